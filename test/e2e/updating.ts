/** A gateway on which gwe updates gwe: installed by install.sh of dist/, kept by a real supervisord. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isFresh } from '../../src/packaging/results.ts';
import { type BuildStamp, inputsDigest } from '../../src/packaging/stamp.ts';
import { CACHE, DIST } from '../../src/packaging/targets.ts';
import { type Fleet, fleetOf } from './fleet.ts';
import {
  BARE_PATH,
  eventually,
  expectZero,
  type Gateway,
  GWE,
  makeGateway,
  type Platform,
  run,
  type Supervisorctl,
  startPlatform,
  startSupervisord,
  tempFolder,
} from './machine.ts';
import { startTap, type Tap } from './tap.ts';

/** The version to update to, made from the same source. */
export const NEXT: BuildStamp = { version: '99.1.0', commit: 'next' };
export const NEXT_FOLDER = join(CACHE, 'next');
export const OWN_FILE = `gwe-linux-${process.arch}`;
export const NOW = run([GWE, '--version'], { PATH: BARE_PATH }).stdout.match(/\d[\w.-]*/)?.[0] ?? '';

/** Builds that version, unless it is there. */
export function buildNext(): void {
  if (isFresh(NEXT_FOLDER, inputsDigest(NEXT), [OWN_FILE])) return;
  const command = [process.execPath, join(import.meta.dirname, 'build-next.ts')];
  expectZero(run([...command, NEXT_FOLDER, NEXT.version, NEXT.commit], process.env));
}

export type Program = 'gwe.conf of install.sh' | 'a bare command';
export const PROGRAMS: readonly Program[] = ['gwe.conf of install.sh', 'a bare command'];

export interface Supervised {
  platform: Platform;
  fleet: Fleet;
  tap: Tap;
  gateway: Gateway;
  ctl: Supervisorctl;
  /** The file under gwe's name. */
  target: string;
  folder: string;
}

/** A gateway on which install.sh of dist/ has installed gwe, in the gateway's own folder. */
export async function supervised(t: TestContext, program: Program, limit_s = 120): Promise<Supervised> {
  const platform = await startPlatform(t);
  const tap = await startTap(t, platform.url);
  const env = { GWE_TRIAL_PAUSE_S: '0', GWE_TRIAL_START_LIMIT_S: String(limit_s) };
  const gateway = makeGateway(t, { server: tap.url, product: platform.product, env });
  const fleet = fleetOf(platform);
  await fleet.addGateway(gateway.serial);
  const installer = [join(DIST, 'install.sh'), '--prefix', '/opt'];
  expectZero(run(installer, { PATH: BARE_PATH, DESTDIR: gateway.folder }));
  const target = join(gateway.folder, 'opt/bin/gwe');
  const installed = readFileSync(join(gateway.folder, 'etc/supervisor/conf.d/gwe.conf'), 'utf8')
    .replaceAll('/opt/bin/gwe', target)
    .replaceAll('/var/log/gwe.log', join(gateway.folder, 'log/gwe.log'));
  const text =
    program === 'a bare command' ? installed.replace(/^command=.*$/m, `command=${target}`) : installed;
  const environment = Object.entries(gateway.env).map(([name, value]) => `${name}="${value}"`);
  writeFileSync(join(gateway.folder, 'conf.d/gwe.conf'), `${text}environment=${environment.join(',')}\n`);
  const ctl = await startSupervisord(t, gateway);
  await pidOf(ctl);
  return { platform, fleet, tap, gateway, ctl, target, folder: tempFolder(t) };
}

export const pidOf = (ctl: Supervisorctl) =>
  eventually('supervisord to call gwe RUNNING', () => {
    const line = ctl('status', 'gwe').stdout;
    return /RUNNING/.test(line) && Number(line.match(/pid (\d+)/)?.[1]);
  });
export const logOf = ({ folder }: Gateway) => {
  const path = join(folder, 'log/gwe.log');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};
export const trialFilesOf = ({ state }: Gateway) =>
  ['self-update', 'start.sh', 'self-update-failed'].filter((name) => existsSync(join(state, name)));
export const versionOf = (target: string) =>
  run([target, '--version'], { PATH: BARE_PATH }).stdout.match(/\d[\w.-]*/)?.[0];
export const reportOf = async ({ fleet, gateway }: Supervised) => {
  const report = JSON.parse(await fleet.read(gateway.serial, 'engine_report'));
  return { own: report.apps.find((app: object) => 'gwe' in app).gwe, installed: report.installed.gwe };
};
export const endsOf = ({ platform, gateway }: Supervised) => platform.points(gateway.serial, 'fetch_status');

/** Writes the command and wakes gwe. Waits for the first end that matches. */
export async function deploy(here: Supervised, name: string, end: RegExp): Promise<string> {
  const { fleet, gateway, ctl } = here;
  await eventually('gwe to be asleep', async () => {
    const pid = await pidOf(ctl);
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sh' && trialFilesOf(gateway).length === 0;
  });
  await fleet.install(gateway.serial, name);
  process.kill(await pidOf(ctl), 'SIGWINCH');
  return await eventually(`an end like ${end} in fetch_status; the log: ${logOf(gateway)}`, async () =>
    (await endsOf(here)).find((each) => end.test(each)),
  );
}
