/** `gwe status`: how this gateway stands, for a person or as JSON. Reads only. */
import { VERSION } from '../host/version.ts';
import { toFetch } from '../installer/journal-format.ts';
import { formatDuration, formatSize } from '../reports/sizes.ts';
import { budgetInWords } from './budget-words.ts';
import { causes, time } from './causes.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { type GatewayState, readGatewayState } from './gateway-state.ts';
import { progressInWords } from './install-causes.ts';
import { harmless, table } from './words.ts';

/** The command itself; always 0: what is the matter is for `gwe why` to judge. */
export async function run(context: CommandContext, args: CommandArgs): Promise<number> {
  const state = readGatewayState(context.places, context.clock);
  context.out(args.has('json') ? `${JSON.stringify(statusValue(state))}\n` : statusText(state));
  return 0;
}

/** The status as a value, for programs. Times are milliseconds since 1970; what is not known is left out. */
export function statusValue(state: GatewayState) {
  const { engine, identity } = state;
  return {
    time_ms: state.now_ms,
    version: VERSION,
    ...identity,
    platform: state.platform,
    activated: state.isActivated,
    running: state.engine_pid !== undefined,
    pid: state.engine_pid,
    lastCheckIn: engine?.lastCheckIn,
    lastComplete_ms: engine?.lastComplete_ms,
    next: engine?.next,
    consecutiveFailures: engine?.consecutiveFailures ?? 0,
    update_interval_s: state.settings['engine.update_interval'],
    supervisor: engine?.supervisor,
    installed: state.apps.flatMap(({ app, good, last }) => ({ app, ...good, last })),
    underWay: underWay(state).map((item) => ({
      name: item.name.file,
      phase: item.phase,
      since_ms: item.since_ms,
      attempt: item.attempt,
      downloaded_bytes: state.downloaded_bytes[item.name.file],
      size_bytes: toFetch(item).size_bytes,
      isDelta: item.delta !== undefined,
      trouble: item.trouble && { code: item.trouble.code, why: item.trouble.why },
    })),
    waitingReports: state.waitingReports,
    budget: state.budget,
    causes: causes(state).map(({ code, subject }) => ({ code, subject })),
  };
}

/** The status in a person's words. */
export function statusText(state: GatewayState): string {
  const { identity, settings } = state;
  const who =
    identity === undefined ? 'not set; see gwe why' : `${identity.serial}, product ${identity.model}`;
  const facts = [
    ['gateway', who],
    ['platform', `${state.platform ?? 'not known'}${state.isActivated ? '' : ' (not activated)'}`],
    [
      'engine',
      state.engine_pid === undefined
        ? 'not running'
        : `gwe ${state.engine?.version ?? VERSION}, process ${state.engine_pid}`,
    ],
    ['last check-in', lastInWords(state)],
    ['next check-in', nextInWords(state)],
    ['interval', formatDuration(settings['engine.update_interval'] * 1000)],
    [
      'supervisord',
      state.engine?.supervisor === undefined
        ? 'not asked yet'
        : state.engine.supervisor.ok
          ? 'reached'
          : 'not reached',
    ],
    ...(state.budget === undefined ? [] : [['data budget', budgetInWords(state.budget)]]),
    ...(state.waitingReports > 0 ? [['reports waiting', String(state.waitingReports)]] : []),
  ];
  return [
    table(facts),
    section('Installed', installedRows(state)),
    section(
      'Under way',
      underWay(state).map((item) => [
        `  ${item.name.file}`,
        item.trouble?.why ?? progressInWords(state, item),
      ]),
    ),
    `${verdict(state)}\n`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function section(heading: string, rows: string[][]): string {
  return rows.length === 0 ? '' : `${heading}:\n${table(rows.map((row) => row.map(harmless)))}`;
}

function underWay({ instructions }: GatewayState) {
  return instructions.flatMap(({ items }) => items.filter(({ phase }) => phase !== 'ended'));
}

function lastInWords({ engine, now_ms }: GatewayState): string {
  const last = engine?.lastCheckIn;
  if (last === undefined) return 'none yet';
  const when = `${time(last.time_ms)}, ${formatDuration(now_ms - last.time_ms)} ago`;
  return last.ok
    ? `${when}, complete`
    : `${when}, failed: ${harmless(last.message ?? last.code ?? '').split('\n')[0]}`;
}

const REASONS = {
  interval: '',
  backoff: ', after a failure',
  activation: ', to activate',
  budget: ', when the data budget begins again',
} as const;

function nextInWords({ engine, engine_pid, now_ms }: GatewayState): string {
  if (engine_pid === undefined) return 'none: no engine runs';
  if (engine?.next === undefined || engine.next.time_ms <= now_ms) return 'now';
  return `${time(engine.next.time_ms)}, in ${formatDuration(engine.next.time_ms - now_ms)}${REASONS[engine.next.reason]}`;
}

function installedRows({ apps, now_ms }: GatewayState): string[][] {
  return apps.map(({ app, good, last }) => {
    const version = good === undefined ? '-' : `v${good.version}`;
    const since =
      good === undefined
        ? ''
        : `${formatSize(good.size_bytes)}, ${formatDuration(now_ms - good.installed_ms)} ago`;
    const tried =
      last === undefined || last.outcome === 'installed'
        ? ''
        : `v${last.version} ${last.outcome}: ${last.why ?? ''}`;
    return [`  ${app}`, version, since, tried];
  });
}

function verdict(state: GatewayState): string {
  const held = causes(state).filter(({ blocks }) => blocks);
  if (held.length === 0) return 'Nothing holds this gateway up.';
  return `Held up by ${[...new Set(held.map(({ code }) => code))].join(', ')}; gwe why tells more.`;
}
