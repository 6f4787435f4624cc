/**
 * `npm run demo`: one platform and one gateway on this machine, an application deployed to it twice, each step shown with
 * its time. Needs nothing but this checkout; leaves nothing behind. `npm run demo -- --keep` leaves it running until Ctrl-C.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { pssOfTree_KiB } from '../e2e/machine.ts';
import { openStage, type Ran, type Stage } from './stage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const GWE_FILE = join(ROOT, 'dist', `gwe-linux-${process.arch}`);
const EXAMPLES = join(import.meta.dirname, 'example');
/** Where Debian puts supervisord, and where pip does. */
const SUPERVISOR_BIN = ['/usr/bin', '/usr/local/bin'].find((bin) => existsSync(join(bin, 'supervisord')));
const SUPERVISORD = join(SUPERVISOR_BIN ?? '/usr/bin', 'supervisord');
const SUPERVISORCTL = join(SUPERVISOR_BIN ?? '/usr/bin', 'supervisorctl');
const PRODUCT = 'demo';
const SERIAL = 'gw-1';
/** Short enough for a demo; a fleet takes hours. */
const UPDATE_INTERVAL_S = 3;

/** What the demo has on its stage. */
interface Demo {
  stage: Stage;
  gwe: string;
  operator: NodeJS.ProcessEnv;
  gateway: NodeJS.ProcessEnv;
  supervised: boolean;
}

/** The sequence that a fleet operator goes through, once. */
async function play(demo: Demo): Promise<void> {
  const { stage, gwe, operator } = demo;
  const url = await startPlatform(demo);
  await must(stage.show([gwe, 'login', url], operator));
  await must(stage.show([gwe, 'product', 'create', PRODUCT], operator));
  await must(stage.show([gwe, 'gateway', 'add', SERIAL], operator));
  await must(stage.ask([gwe, 'write', SERIAL, 'vitals', ''], operator));
  await setUpGateway(demo, url);
  await startGateway(demo);
  for (const version of ['1', '2']) await deploy(demo, version);
  await showTheEnd(demo);
}

async function startPlatform({ stage, gwe, operator }: Demo): Promise<string> {
  const command = [gwe, 'platform', '--data', join(stage.folder, 'platform'), '--listen', '127.0.0.1:0'];
  stage.step('$ gwe platform --data …/platform --listen 127.0.0.1:0 &');
  const platform = stage.start('platform', command, operator);
  const failed = platform.ended.then((status) => {
    throw new Error(`The platform ended with ${status}.`);
  });
  failed.catch(() => {});
  const url = await Promise.race([
    failed,
    stage.eventually('the platform', async () => platform.stdout().match(/listening on (\S+)/)?.[1]),
  ]);
  stage.step(`the platform is there: ${url}`);
  return url;
}

/** What one types on a gateway, and where this gateway's supervisord is. */
async function setUpGateway({ stage, gwe, gateway, supervised }: Demo, url: string): Promise<void> {
  const words = ['--set-server', url, '--set-product-id', PRODUCT, '--set-uuid', SERIAL];
  stage.step(`on the gateway: gwe ${words.join(' ')} -t ${UPDATE_INTERVAL_S}`);
  await must(stage.ask([gwe, ...words, '-t', String(UPDATE_INTERVAL_S)], gateway));
  const settings = {
    'supervisor.socket': join(stage.folder, 'supervisor.sock'),
    'supervisor.conf_dir': join(stage.folder, 'conf.d'),
    'supervisor.log_dir': join(stage.folder, 'log'),
    'install.health_window': '2',
    ...(supervised ? { 'engine.hibernate': 'on' } : {}),
  };
  for (const [name, value] of Object.entries(settings)) {
    await must(stage.ask([gwe, 'config', 'set', name, value], gateway));
  }
}

async function startGateway({ stage, gwe, gateway, supervised }: Demo): Promise<void> {
  if (!supervised) {
    stage.step(
      'no supervisord on this machine: gwe runs by itself, and nobody will keep the application running',
    );
    stage.start('gateway', [gwe], gateway);
    return;
  }
  const conf = join(stage.folder, 'supervisord.conf');
  writeFileSync(conf, supervisordConf(stage.folder, gwe));
  stage.step('$ supervisord   # keeps gwe, and what gwe installs, running');
  stage.start('supervisord', [SUPERVISORD, '-n', '-c', conf], gateway);
  await stage.eventually('gwe under supervisord', async () => {
    const { stdout } = await stage.ask([SUPERVISORCTL, '-c', conf, 'status', 'gwe'], gateway);
    return /RUNNING/.test(stdout) ? stdout : undefined;
  });
}

function supervisordConf(folder: string, gwe: string): string {
  const socket = join(folder, 'supervisor.sock');
  return `[unix_http_server]
file=${socket}
[supervisord]
logfile=${folder}/supervisord.log
pidfile=${folder}/supervisord.pid
childlogdir=${folder}/log
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${socket}
[include]
files=${folder}/conf.d/*.conf
[program:gwe]
command=${gwe}
autorestart=true
stderr_logfile=${folder}/log/gwe.log
`;
}

/** Builds one version of the example, sends it to the gateway, and waits for what it then says by itself. */
async function deploy({ stage, gwe, operator, gateway, supervised }: Demo, version: string): Promise<void> {
  stage.step(`--- vitals, version ${version}`);
  const source = join(stage.folder, `vitals-${version}`);
  cpSync(join(EXAMPLES, `vitals-${version}`), source, { recursive: true });
  const built = await must(stage.show([gwe, '--build-app', join(source, 'buildfile.json')], gateway));
  const tarball = resolve(stage.folder, built.stdout.trim());
  await must(stage.show([gwe, 'deploy', SERIAL, tarball, '--timeout', '45'], operator));
  if (!supervised) return;
  const isNew = version === '1' ? /^load/ : /"load"/;
  const reading = await stage.eventually(`a reading of vitals ${version}`, async () => {
    const { stdout } = await stage.ask([gwe, 'read', SERIAL, 'vitals'], operator);
    return isNew.test(stdout) ? stdout.trim() : undefined;
  });
  stage.step(`the gateway says by itself: ${reading}`);
}

async function showTheEnd({ stage, gwe, operator, gateway, supervised }: Demo): Promise<void> {
  stage.step('--- how it stands now');
  await must(stage.show([gwe, 'read', SERIAL, 'fetch_status'], operator));
  await must(stage.show([gwe, 'gateways'], operator));
  if (!supervised) return;
  const ctl = [SUPERVISORCTL, '-c', join(stage.folder, 'supervisord.conf')];
  await must(stage.show([...ctl, 'status'], gateway));
  const { stdout } = await stage.ask([...ctl, 'pid', 'gwe'], gateway);
  const atRest = await leastMemory_KiB(stage, Number(stdout));
  if (atRest !== undefined) {
    stage.step(`between two check-ins all of gwe holds ${(atRest / 1024).toFixed(1)} MB of memory`);
  }
}

/** The memory of gwe at rest: looked at until it is asleep. */
async function leastMemory_KiB(stage: Stage, pid: number): Promise<number | undefined> {
  const asleep_KiB = 10 * 1024;
  try {
    return await stage.eventually('gwe to sleep', async () => {
      const pss_KiB = pssOrNothing_KiB(pid);
      return pss_KiB !== undefined && pss_KiB < asleep_KiB ? pss_KiB : undefined;
    });
  } catch {
    return undefined;
  }
}

function pssOrNothing_KiB(pid: number): number | undefined {
  try {
    return pssOfTree_KiB(pid);
  } catch {
    return undefined;
  }
}

async function must(running: Promise<Ran>): Promise<Ran> {
  const ran = await running;
  if (ran.status === 0) return ran;
  throw new Error(`That ended with ${ran.status}; the demo stops here.`);
}

/** Folders, the environment of an operator and that of a gateway, and gwe under both of its names on the path. */
function setTheStage(stage: Stage): Demo {
  for (const folder of ['bin', 'conf.d', 'log']) mkdirSync(join(stage.folder, folder));
  for (const name of ['gwe', 'gdc']) symlinkSync(GWE_FILE, join(stage.folder, 'bin', name));
  const shared = {
    PATH: `${join(stage.folder, 'bin')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: stage.folder,
    LANG: process.env['LANG'] ?? 'C.UTF-8',
    NO_PROXY: '127.0.0.1',
  };
  const folders = (who: string) => ({
    GWE_CONFIG_DIR: join(stage.folder, who, 'etc'),
    GWE_STATE_DIR: join(stage.folder, who, 'var'),
  });
  return {
    stage,
    gwe: join(stage.folder, 'bin/gwe'),
    operator: { ...shared, ...folders('operator'), GWE_PLATFORM_TOKEN: randomBytes(20).toString('hex') },
    gateway: {
      ...shared,
      ...folders('gateway'),
      VITALS_HOME: join(stage.folder, 'gateway/opt/vitals'),
      VITALS_INTERVAL_S: '2',
    },
    supervised: SUPERVISOR_BIN !== undefined,
  };
}

/** Builds what is missing or older than what it is made of, showing it. Resolves with the exit status. */
function build(stopped: Promise<unknown>): Promise<number> {
  const child = spawn(process.execPath, ['build.mjs', '--if-stale'], { cwd: ROOT, stdio: 'inherit' });
  void stopped.then(() => child.kill('SIGTERM'));
  return new Promise((done) => child.once('close', (status) => done(status ?? 130)));
}

function whatToTry({ stage, operator, supervised }: Demo): string {
  const set = `export PATH=${join(stage.folder, 'bin')}:$PATH GWE_CONFIG_DIR=${operator['GWE_CONFIG_DIR']} GWE_STATE_DIR=${operator['GWE_STATE_DIR']}`;
  const ctl = `supervisorctl -c ${stage.folder}/supervisord.conf`;
  return `
It goes on running. In another terminal, as the operator:
  ${set}
  gwe gateways                        # the fleet
  gwe read ${SERIAL} vitals --points 5    # what the application says
  gwe deploy ${SERIAL} vitals.v1.tar.gz   # back to version 1
  gwe write ${SERIAL} update_interval 20  # check in less often
  gwe read ${SERIAL} device_info          # what kind of machine it is
${supervised ? `  ${ctl} status   # what runs on the gateway\n  ${ctl} tail gwe stderr\n` : ''}\
As the gateway:
  export GWE_CONFIG_DIR=${stage.folder}/gateway/etc GWE_STATE_DIR=${stage.folder}/gateway/var
  gwe status; gwe why
Ctrl-C here ends everything and removes ${stage.folder}
`;
}

/** Resolves at the first Ctrl-C, TERM or hang-up; later ones change nothing. */
function stopRequest(): Promise<'stopped'> {
  return new Promise((stopped) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stopped('stopped'));
  });
}

/** The end of a log, for whoever must find out why the demo failed. */
function lastLines(path: string): string {
  if (!existsSync(path)) return '';
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-15);
  return [`--- ${basename(path)}`, ...lines].join('\n');
}

async function main(): Promise<number> {
  if (process.platform !== 'linux') {
    console.error(`gwe runs on Linux gateways, and so does its demo; this is ${process.platform}.`);
    return 1;
  }
  const stopped = stopRequest();
  const built = await build(stopped);
  if (built !== 0) return built;
  console.log('');
  const stage = openStage();
  try {
    const demo = setTheStage(stage);
    const end = await Promise.race([play(demo).then(() => 'played' as const), stopped]);
    if (end === 'stopped') return 130;
    if (!process.argv.includes('--keep')) return 0;
    console.log(whatToTry(demo));
    await stopped;
    return 0;
  } catch (error) {
    console.error(`\n${error instanceof Error ? error.message : String(error)}`);
    for (const log of ['platform.log', 'gateway.log', 'log/gwe.log', 'supervisord.log']) {
      console.error(lastLines(join(stage.folder, log)));
    }
    return 1;
  } finally {
    stage.step('clearing away');
    await stage.clear();
    stage.step('done');
  }
}

process.exit(await main());
