/** A gateway that can be killed: its folders, and single check-ins of it under the shim. */
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { birthOf } from '../../src/host/lock.ts';
import { type Operation, readOperations } from './operations.ts';
import type { Stage } from './stage.ts';

/** Nothing that is tried here takes longer, unless it hangs. */
const DEADLINE_MS = 60_000;

export interface Gateway {
  stage: Stage;
  product: string;
  serial: string;
  /** Holds config, state, conf.d and world: all that a power cut may damage. */
  root: string;
  state: string;
  /** Where scripts say that they begin and end; survives everything. */
  witness: string;
}

/** How a check-in is cut short; none of these: not at all. */
export interface Kill {
  /** Number of the operation at which all processes are killed. */
  at?: number;
  /** A write is half done first. */
  torn?: boolean;
  /** Which step of which script kills, as `SCRIPT VERSION NUMBER`. */
  step?: string;
}

export interface Turn {
  status: number | null;
  isKilled: boolean;
  /** In the order in which they were done. */
  operations: Operation[];
  duration_ms: number;
  stderr: string;
}

/** Makes a gateway, activated, as a copy of what `template` holds. */
export async function makeGateway(
  stage: Stage,
  product: string,
  serial: string,
  template?: string,
): Promise<Gateway> {
  const folder = join(stage.folder, product, serial);
  const root = join(folder, 'root');
  mkdirSync(folder, { recursive: true });
  if (template === undefined) {
    for (const each of ['config', 'state', 'conf.d', 'world'])
      mkdirSync(join(root, each), { recursive: true, mode: 0o700 });
  } else cpSync(template, root, { recursive: true, verbatimSymlinks: true });
  const cik = await stage.addGateway(product, serial);
  writeFileSync(join(root, 'config/Gateway.cfg'), gatewayCfg(product, serial, cik), { mode: 0o600 });
  writeFileSync(join(root, 'config/Engine.config'), engineConfig(stage.url, root), { mode: 0o600 });
  return { stage, product, serial, root, state: join(root, 'state'), witness: join(folder, 'witness') };
}

const gatewayCfg = (product: string, serial: string, cik: string): string =>
  `[device]\ncik = ${cik}\nmodel = ${product}\nvendor = ${product}\nuuid = ${serial}\niface = ''\n`;

const engineConfig = (url: string, root: string): string =>
  `[engine]\nserver = ${url}\n[install]\nreserve_bytes = 0\nhealth_window = 0\n` +
  `[supervisor]\nsocket = ${root}/no.sock\nconf_dir = ${root}/conf.d\nlog_dir = /var/log\n`;

export function removeGateway({ root }: Gateway): void {
  rmSync(join(root, '..'), { recursive: true, force: true });
}

/** What gwe finds in its environment on this gateway, and its scripts too. */
export function environmentOf({ stage, root, state, witness }: Gateway): NodeJS.ProcessEnv {
  return {
    PATH: `${stage.bin}:/usr/bin:/bin`,
    HOME: root,
    GWE_CONFIG_DIR: join(root, 'config'),
    GWE_STATE_DIR: state,
    WORLD: join(root, 'world'),
    WITNESS: witness,
  };
}

/** One check-in, to its end or its death. `boot`: which start of the machine it is; `withData`: for a replay on a model. */
export async function checkIn(
  gateway: Gateway,
  boot: number,
  kill: Kill = {},
  withData = false,
): Promise<Turn> {
  const { stage, root } = gateway;
  const record = join(root, '..', `operations-${boot}`);
  rmSync(record, { force: true });
  const started_ms = performance.now();
  const child = spawn(process.execPath, ['--require', stage.shim, stage.gwe, '--once'], {
    env: {
      ...environmentOf(gateway),
      CRASH_ROOT: root,
      CRASH_RECORD: record,
      CRASH_BOOT: `boot-${boot}`,
      CRASH_AT: String(kill.at ?? 0),
      CRASH_TORN: kill.torn ? '1' : '0',
      CRASH_STEP: kill.step ?? '',
      CRASH_DATA: withData ? '1' : '0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: DEADLINE_MS,
    killSignal: 'SIGABRT',
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((done) =>
    child.once('exit', (...end) => done(end)),
  );
  const duration_ms = performance.now() - started_ms;
  const operations = existsSync(record) ? readOperations(record) : [];
  await scriptsAreDead(operations);
  return { status, isKilled: signal === 'SIGKILL', operations, duration_ms, stderr };
}

/** Killed with their group, they may take an instant to go. */
async function scriptsAreDead(operations: readonly Operation[]): Promise<void> {
  for (const operation of operations) {
    if (operation.do !== 'spawn' || operation.pid === 0) continue;
    while (birthOf(operation.pid) !== undefined) await new Promise((again) => setTimeout(again, 1));
  }
}

/** What the scripts said, a line each: `begin|end SCRIPT VERSION ATTEMPT [back]`. */
export function witnessed({ witness }: Gateway): string[] {
  return existsSync(witness) ? readFileSync(witness, 'utf8').split('\n').slice(0, -1) : [];
}
