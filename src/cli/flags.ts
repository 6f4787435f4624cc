/** The flags that may stand together in one call: first every setter, then what is to be printed, then what is to be done. */
import { realpathSync } from 'node:fs';
import { loadGateway } from '../config/places.ts';
import { GweError } from '../errors.ts';
import { macAddress } from '../host/network.ts';
import { COMMIT, VERSION } from '../host/version.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { applySetters, engineConfigText, gatewayCfgText } from './setters.ts';

/** Flags that lead to the workbench or another module of their own. Beside them, -d counts for this call alone. */
const ACTIONS = [
  'create-buildfile',
  'check-buildfile',
  'build-app',
  'build-app-tarball',
  'check-tarball',
  'test-package',
  'install-apps',
  'download-latest',
  'check-now',
  'self-test',
] as const;

/** Carries out the flags of one call; returns the exit status of the first action that did not end with 0. */
export async function runFlags(context: CommandContext, args: CommandArgs): Promise<number> {
  const actions = ACTIONS.filter((long) => args.has(long));
  applySetters(context, args, { keepLevel: actions.length > 0 });
  printAsked(context, args);
  for (const action of actions) {
    const status = await runAction(context, args, action);
    if (status !== 0) return status;
  }
  return 0;
}

function printAsked(context: CommandContext, args: CommandArgs): void {
  if (args.has('version')) context.out(`${versionLine('gwe')}\n`);
  if (args.has('path')) context.out(`${installPath(context)}\n`);
  if (args.has('engine-conf')) context.out(engineConfigText(context.places));
  if (args.has('gateway-cfg')) context.out(gatewayCfgText(context.places));
  if (args.has('gateway-cik')) context.out(`${loadGateway(context.places).cik ?? "''"}\n`);
  const iface = args.text('mac-address');
  if (iface !== undefined) context.out(`${macOf(iface)}\n`);
}

/** `gwe 1.0.0 (commit 1a2b3c4, Node.js v24.21.0)` */
export function versionLine(program: string): string {
  return `${program} ${VERSION} (commit ${COMMIT}, Node.js ${process.version})`;
}

function installPath(context: CommandContext): string {
  const file = context.executable.at(-1) ?? process.execPath;
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function macOf(iface: string): string {
  const mac = macAddress(iface);
  if (mac !== undefined) return mac;
  throw new GweError(
    'not-found',
    `Cannot print the MAC address of ${iface}: there is no such interface, or it has none`,
    {
      hint: 'The interfaces of this machine: ls /sys/class/net',
    },
  );
}

async function runAction(
  context: CommandContext,
  args: CommandArgs,
  action: (typeof ACTIONS)[number],
): Promise<number> {
  if (action === 'check-now') return (await import('./check-now.ts')).checkNow(context);
  if (action === 'self-test') return (await import('./self-test.ts')).selfTest(context);
  if (action === 'test-package') return (await import('./test-package.ts')).testPackage(context, args);
  if (action === 'install-apps') return (await import('./install-apps.ts')).installApps(context, args);
  if (action === 'download-latest')
    return (await import('./download-latest.ts')).downloadLatest(context, args);
  return (await import('./workbench.ts')).runWorkbench(context, args, action);
}

/** The actions that workbench.ts does. */
export type WorkbenchAction = Exclude<
  (typeof ACTIONS)[number],
  'check-now' | 'self-test' | 'test-package' | 'install-apps' | 'download-latest'
>;
