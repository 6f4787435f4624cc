/**
 * One simulated gateway: activates, checks in, takes commands, says how they ended, as gwe does on the wire; what would
 * happen on a machine is decided by dice that hang on seed and serial. When each thing is due, simulated-fleet.ts knows.
 */

import { CIK_PATTERN, decodeValues, encodeForm, FORM_TYPE, HEADERS, PATHS } from '../client/wire.ts';
import { parseInstruction } from '../engine/instruction.ts';
import { phaseOf } from '../engine/schedule.ts';
import type { InstalledRow } from '../reports/engine-report.ts';
import { fetchStatusText } from '../reports/fetch-status.ts';
import type { SimulatedHttp } from './simulated-http.ts';
import { engineText, machineText, usageText } from './simulated-reports.ts';

/** How the fleet behaves; times are those of the simulated gateways, before `speed`. Shares are 0 to 1. */
export interface Behaviour {
  product: string;
  interval_s: number;
  install_s: number;
  fail: number;
  silent: { share: number; after_s: number };
  unhealthy: number;
  offline: number;
  /** All times are so many times as short. */
  speed: number;
  seed: number;
  download: boolean;
}

/** What happened, for the summary. */
export type Happening =
  | 'activated'
  | 'refused'
  | 'check-in'
  | 'taken'
  | 'installed'
  | 'failed'
  | 'silent'
  | 'unhealthy'
  | 'error'
  | 'downloaded';

export interface GatewayParts {
  behaviour: Behaviour;
  http: SimulatedHttp;
  now(): number;
  /** Has `act` done at that time. */
  at(time_ms: number, act: () => Promise<void>): void;
  count(happening: Happening, latency_ms?: number): void;
}

export interface SimulatedGateway {
  serial: string;
  /** Plans its first check-in, within the first interval. */
  start(): void;
}

/** Each sleep is lengthened by up to this share of the interval, as gwe does. */
const JITTER = 0.05;

export function createSimulatedGateway(serial: string, parts: GatewayParts): SimulatedGateway {
  const { behaviour, http, now, count } = parts;
  const dice = (what: string) => phaseOf(`${behaviour.seed} ${serial} ${what}`);
  const started_ms = now();
  const installed = new Map<string, InstalledRow>();
  const down = new Set<string>();
  let cik: string | undefined;
  let interval_s = behaviour.interval_s;
  let installs = 0;
  let isGone = false;

  const scaled_ms = (duration_s: number) => (duration_s * 1000) / behaviour.speed;
  const headers = () => ({ [HEADERS.cik]: cik ?? '', 'Content-Type': FORM_TYPE });
  const write = (values: Record<string, string>, more: Record<string, string> = {}) =>
    http.ask('POST', PATHS.alias, { ...headers(), ...more }, encodeForm(Object.entries(values)));

  const activate = async (): Promise<void> => {
    const { product } = behaviour;
    const form = encodeForm([
      ['vendor', product],
      ['model', product],
      ['sn', serial],
    ]);
    const answer = await http.ask('POST', PATHS.activate, { 'Content-Type': FORM_TYPE }, form);
    const key = answer.text.trim();
    if (answer.status === 200 && CIK_PATTERN.test(key)) cik = key;
    count(cik === undefined ? 'refused' : 'activated');
  };

  const reports = () => {
    const up_s = (now() - started_ms) / 1000;
    const reported_s = Math.max(1, Math.round(interval_s / behaviour.speed));
    return {
      usage_report: usageText(Math.floor(up_s)),
      device_info: machineText(serial, dice),
      engine_report: engineText([...installed.values()], down, up_s, reported_s),
    };
  };

  const checkIn = async (): Promise<void> => {
    const asked_ms = performance.now();
    if (cik === undefined) await activate();
    if (cik === undefined) return;
    const path = `${PATHS.alias}?engine_fetch&update_interval`;
    const answer = await http.ask('POST', path, headers(), encodeForm(Object.entries(reports())));
    if (answer.status === 401) cik = undefined;
    if (answer.status !== 200 && answer.status !== 204) return count('error');
    count('check-in', performance.now() - asked_ms);
    const values = decodeValues(answer.text);
    if (values['update_interval']) await takeInterval(values['update_interval']);
    if (values['engine_fetch']) await takeCommand();
  };

  const takeInterval = async (text: string): Promise<void> => {
    if (/^\d{1,8}$/.test(text) && Number(text) > 0) interval_s = Number(text);
    await write({ update_interval: '' });
  };

  /** Reads it again, and clears it only if it is still the same: as gwe does. */
  const takeCommand = async (): Promise<void> => {
    const again = await http.ask('GET', `${PATHS.alias}?engine_fetch`, headers());
    const text = decodeValues(again.text)['engine_fetch'] ?? '';
    const cleared = await write(
      { engine_fetch: '' },
      again.etag === undefined ? {} : { [HEADERS.ifMatch]: again.etag },
    );
    if (text === '' || cleared.status !== 204) return;
    count('taken');
    const items = namesIn(text);
    if (items.length === 0)
      await write({ fetch_status: 'engine_fetch: malformed: it could not be understood' });
    items.forEach((name, index) => {
      parts.at(now() + scaled_ms(behaviour.install_s * (index + 1)), () => endInstall(name));
    });
  };

  const endInstall = async ({
    file,
    app,
    version,
  }: {
    file: string;
    app: string;
    version: string;
  }): Promise<void> => {
    if (isGone) return;
    if (behaviour.download) await download(file);
    installs += 1;
    const isBad = dice(`fail ${file} ${installs}`) < behaviour.fail;
    const end = {
      name: file,
      app,
      version,
      time_ms: now(),
      attempt: 1,
      duration_ms: behaviour.install_s * 1000,
    };
    const before = installed.get(app);
    const back = before === undefined || before.version === '' ? {} : { rolledBackTo: before.version };
    const status = isBad
      ? fetchStatusText({ ...end, ...back, outcome: 'failed', why: 'install.sh ended with 1' })
      : fetchStatusText({
          ...end,
          outcome: 'installed',
          exit: 0,
          output: Buffer.from(`${app} ${version} is there\n`),
        });
    if (isBad) installed.set(app, { app, version: before?.version ?? '', time_ms: now(), outcome: 'failed' });
    else installed.set(app, { app, version, time_ms: now(), outcome: 'installed' });
    await write({ fetch_status: status });
    count(isBad ? 'failed' : 'installed');
    if (!isBad) afterSuccess(app);
  };

  const afterSuccess = (app: string): void => {
    if (dice('unhealthy') < behaviour.unhealthy) {
      down.add(app);
      count('unhealthy');
    }
    if (dice('silent') >= behaviour.silent.share) return;
    parts.at(now() + scaled_ms(behaviour.silent.after_s), async () => {
      if (!isGone) count('silent');
      isGone = true;
    });
  };

  const download = async (file: string): Promise<void> => {
    const { product } = behaviour;
    const query = encodeForm([
      ['vendor', product],
      ['model', product],
      ['id', file],
    ]);
    await http.drain(`${PATHS.download}?${query}`, { [HEADERS.cik]: cik ?? '' });
    count('downloaded');
  };

  /** Whatever goes wrong, the next check-in comes. */
  const turn = async (): Promise<void> => {
    if (isGone) return;
    parts.at(now() + scaled_ms(interval_s * (1 + JITTER * dice('jitter'))), turn);
    try {
      await checkIn();
    } catch {
      count('error');
    }
  };

  return {
    serial,
    start() {
      if (dice('offline') < behaviour.offline) return;
      parts.at(now() + scaled_ms(interval_s * dice('begin')), turn);
    },
  };
}

function namesIn(text: string): Array<{ file: string; app: string; version: string }> {
  try {
    return parseInstruction(text)?.items.map(({ name }) => name) ?? [];
  } catch {
    return [];
  }
}
