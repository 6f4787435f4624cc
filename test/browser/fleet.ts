/** A fleet for pictures and tests of the page: two days of check-ins, installs that went well and some that did not. */
import type { Stage, StagedGateway } from './stage.ts';

export const PRODUCT = 'pump-gateway';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const INTERVAL_S = 600;

export interface Fleet {
  gateways: StagedGateway[];
  /** Checks all of them in; those with a command carry it out, `fails` decides which without success. */
  checkInAll(fails: (serial: string) => boolean, silent?: (serial: string) => boolean): Promise<void>;
}

interface Sim {
  gateway: StagedGateway;
  index: number;
  apps: Map<string, { version: string; time_ms: number; outcome: string }>;
  usage: number;
}

/** Makes `size` gateways that have been there for `hours`. */
export async function seedFleet(stage: Stage, size: number, hours: number): Promise<Fleet> {
  const now_ms = Date.now();
  stage.setTime(now_ms - hours * HOUR_MS);
  await stage.api('POST', '/products', { id: PRODUCT });
  const serials = Array.from({ length: size }, (_, index) => `PG-${String(index + 1).padStart(4, '0')}`);
  await stage.provision(PRODUCT, [...serials, 'PG-9001', 'PG-9002', 'PG-9003']);
  for (const version of ['1.8', '1.9', '2.0']) await stage.upload(PRODUCT, `pump-control.v${version}.tar.gz`);
  await stage.upload(PRODUCT, 'modbus-bridge.v3.tar.gz', {
    'supervisor.conf': '[supervisord]\ncommand=/bin/sleep 9\n',
  });
  const sims: Sim[] = [];
  for (const [index, serial] of serials.entries()) {
    const apps: Sim['apps'] = new Map();
    apps.set('pump-control', { version: '1.8', time_ms: now_ms - 40 * HOUR_MS, outcome: 'installed' });
    if (index % 3 === 0)
      apps.set('modbus-bridge', { version: '3', time_ms: now_ms - 60 * HOUR_MS, outcome: 'installed' });
    sims.push({ gateway: await stage.activate(PRODUCT, serial), index, apps, usage: 0 });
  }
  for (let back = hours; back >= 0; back -= 1) {
    const at_ms = back === 0 ? now_ms - MINUTE_MS : now_ms - back * HOUR_MS;
    stage.setTime(at_ms);
    const awake = sims.filter(({ index }) => !isAway(index, size, back));
    await inParallel(awake, (sim) => hourly(sim, back, hours, at_ms));
    // The platform counts what it was told before it answers this: so each hour has its own numbers.
    await stage.api('GET', '/overview?hours=1');
  }
  stage.setTime(now_ms);
  await label(stage, serials);
  return {
    gateways: sims.map(({ gateway }) => gateway),
    checkInAll: (fails, silent) => checkInAll(sims, fails, silent),
  };
}

/** Some have been away for a while, some for long. */
function isAway(index: number, size: number, back: number): boolean {
  if (index >= size - 2) return back < 20;
  return index >= size - 5 && back < 2;
}

async function hourly(sim: Sim, back: number, hours: number, at_ms: number): Promise<void> {
  const turn = hours - Math.floor((sim.index / 60) * hours * 0.8) - 2;
  const isUpdate = back === turn && sim.index % 9 !== 8;
  const values: Record<string, string> = {};
  if (isUpdate) {
    const isBad = sim.index % 11 === 5;
    values['fetch_status'] = isBad ? FAILED : DONE;
    sim.apps.set('pump-control', {
      version: isBad ? '1.8' : '1.9',
      time_ms: at_ms,
      outcome: isBad ? 'failed' : 'installed',
    });
  }
  await report(sim, at_ms, values);
}

async function report(sim: Sim, at_ms: number, values: Record<string, string> = {}): Promise<string> {
  sim.usage = (sim.usage + 1) % 24;
  return sim.gateway.checkIn({
    device_info: deviceInfo(sim.index, at_ms),
    engine_report: engineReport(sim),
    usage_report: usageReport(sim),
    ...values,
  });
}

async function checkInAll(
  sims: readonly Sim[],
  fails: (serial: string) => boolean,
  silent: (serial: string) => boolean = () => false,
): Promise<void> {
  const awake = sims.filter(({ gateway }) => !silent(gateway.serial));
  await inParallel(awake, async (sim) => {
    const command = await report(sim, Date.now());
    if (command === '') return;
    await sim.gateway.clear();
    for (const { name } of JSON.parse(command).install) {
      const [app = '', version = ''] = name.replace('.tar.gz', '').split('.v');
      const isBad = fails(sim.gateway.serial);
      const before = sim.apps.get(app)?.version ?? '';
      sim.apps.set(app, {
        version: isBad ? before : version,
        time_ms: Date.now(),
        outcome: isBad ? 'failed' : 'installed',
      });
      const end = isBad
        ? `failed: install.sh ended with 1; back at v${before}`
        : 'installed in 1.4 s (attempt 1, exit 0)';
      await report(sim, Date.now(), { fetch_status: `${name}: ${end}\n${isBad ? BAD_OUTPUT : OUTPUT}` });
    }
  });
}

async function label(stage: Stage, serials: readonly string[]): Promise<void> {
  await stage.api('PUT', `/products/${PRODUCT}/groups/north`, {
    members: serials.slice(0, Math.ceil(serials.length / 2)),
  });
  for (const serial of serials.slice(0, 6)) {
    await stage.api('PUT', `/gateways/${PRODUCT}/${serial}/tags`, { tags: ['cellular', 'beta'] });
  }
}

const PARALLEL = 16;

async function inParallel<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += PARALLEL) {
    await Promise.all(items.slice(from, from + PARALLEL).map(act));
  }
}

function deviceInfo(index: number, at_ms: number): string {
  const wave = Math.sin(at_ms / (5 * HOUR_MS) + index);
  const used = Math.round(262_144 + 60_000 * wave + 9000 * Math.sin(at_ms / MINUTE_MS));
  const disk = Math.round(1_650_000 + (at_ms % (48 * HOUR_MS)) / 200_000 + index * 900);
  const four = (number: number) => String(number).padStart(10);
  return JSON.stringify({
    uname: `Linux pg-${index + 1} 6.1.0-21-rt #1 SMP PREEMPT_RT armv7l GNU/Linux`,
    df: `Filesystem     1K-blocks    Used Available Use% Mounted on\n/dev/mmcblk0p2   3711032 ${disk}   1882224  47% /\ntmpfs             253004     512    252492   1% /run\n/dev/mmcblk0p1     98304   31744     66560  33% /boot\n`,
    free: `               total        used        free      shared  buff/cache   available\nMem:      ${four(506_008)}  ${four(used)}  ${four(96_000)}  ${four(700)}  ${four(120_000)}  ${four(506_008 - used)}\nSwap:              0           0           0\n`,
    ipaddrs: `lo 127.0.0.1/8\neth0 192.168.7.${(index % 250) + 2}/24 fe80::211:22ff:fe33:${(4096 + index).toString(16)}/64\nwwan0 10.64.12.${(index % 200) + 10}/30\n`,
  });
}

function engineReport({ index, apps }: Sim): string {
  const uptime = `${1 + (index % 20)} days, 3:12:${10 + (index % 40)}`;
  const row = (version: string, status = 'RUNNING') => ({ exitstatus: 0, status, uptime, version });
  const installed = [...apps].map(([app, { version, time_ms, outcome }]) => [
    app,
    { version, digest: 'ab'.repeat(32), time: Math.floor(time_ms / 1000), outcome },
  ]);
  return JSON.stringify({
    apps: [{ gwe: row('0.1.0') }, ...[...apps].map(([app, { version }]) => ({ [app]: row(version) }))],
    installed: Object.fromEntries(installed),
    update_interval: INTERVAL_S,
  });
}

function usageReport({ index, usage }: Sim): string {
  const count = (bytes: number) => ({ tot_rx: bytes, max_rx: 812, tot_tx: bytes * 4, max_tx: 4410, num: 6 });
  const hour = { http_write_read: count(900 + 60 * ((index + usage) % 12)) };
  return JSON.stringify({ wwan0: { top_consumer: 'http_write_read', counted: '', hour, day: hour } });
}

const OUTPUT =
  'stopping pump-control\nunpacking to /opt/pump-control\nmigrating settings: 14 kept, 1 new\nstarting pump-control\nready after 0.6 s';
const BAD_OUTPUT =
  'stopping pump-control\nunpacking to /opt/pump-control\nmigrating settings: cannot read /etc/pump/limits.conf: line 12: "max_flow" has no unit\nleaving everything as it was';
const DONE = `pump-control.v1.9.tar.gz: installed in 1.2 s (attempt 1, exit 0)\n${OUTPUT}`;
const FAILED = `pump-control.v1.9.tar.gz: failed: install.sh ended with 1; back at v1.8\n${BAD_OUTPUT}`;
