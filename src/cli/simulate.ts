/** `gwe simulate N`: a fleet of simulated gateways against a platform on this machine, with a live summary. */
import { GweError, systemCode } from '../errors.ts';
import { formatDuration } from '../reports/sizes.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { durationIn, percentIn } from './durations.ts';
import { isLoopback } from './operator-http.ts';
import { productOf, type Session, withPlatform } from './session.ts';
import { createSimulatedFleet, type SimulatedFleet } from './simulated-fleet.ts';
import type { Behaviour } from './simulated-gateway.ts';
import { openSimulatedHttp } from './simulated-http.ts';

export const DEFAULT_PREFIX = 'sim-';
/** How often the summary is told: on a terminal, and elsewhere. */
const TOLD_ON_TERMINAL_MS = 1_000;
const TOLD_MS = 10_000;
/** How long what is under way may take when the time is over. */
const LAST_ANSWERS_MS = 5_000;
const LAST_ANSWERS_LOOK_MS = 20;
/** Gateways that are added with one call, and how many of those that are there are enabled at a time. */
const ADDED_AT_A_TIME = 10_000;
const ENABLED_AT_A_TIME = 32;

/** `gwe simulate N …`. Ends with 0, or 1 when nothing but errors was answered. */
export function run(context: CommandContext, args: CommandArgs): Promise<number> {
  const count = Number(args.operands[0]);
  const behaviour = behaviourOf(args);
  return withPlatform(at(context, args), args, async (session) => {
    const { url } = session.operator.endpoint;
    if (!isLoopback(url.hostname) && !args.has('anywhere')) {
      throw new GweError('usage', `Cannot simulate against ${url.origin}: it is not on this machine`, {
        hint: 'If that is really meant: --anywhere',
      });
    }
    const product = await productOf(session);
    const prefix = args.text('prefix') ?? DEFAULT_PREFIX;
    const serials = Array.from({ length: count }, (_, index) => serialOf(prefix, index));
    await prepare(context, session, product, serials);
    const http = await openSimulatedHttp(url);
    try {
      const fleet = createSimulatedFleet(serials, { ...behaviour, product }, http, context.clock.now);
      const duration = args.text('duration');
      const duration_ms =
        duration === undefined ? Number.POSITIVE_INFINITY : durationIn(duration, '--duration') * 1000;
      const begun_ms = context.clock.monotonic();
      await live(context, fleet, duration_ms);
      if (context.isErrorTerminal) context.err('\r\u001b[K');
      context.out(`${summary(fleet, context.clock.monotonic() - begun_ms)}\n`);
      return fleet.counts['check-in'] === 0 && fleet.counts.error > 0 ? 1 : 0;
    } finally {
      http.close();
    }
  });
}

/** The platform of --url, with the token that was given at login. */
function at(context: CommandContext, args: CommandArgs): CommandContext {
  const url = args.text('url');
  return url === undefined ? context : { ...context, env: { ...context.env, GWE_PLATFORM_URL: url } };
}

/** What was typed as a behaviour; the product comes later. Raises `usage`. Pure. */
export function behaviourOf(args: CommandArgs): Omit<Behaviour, 'product'> {
  const duration = (flag: string, otherwise_s: number) => {
    const written = args.text(flag);
    return written === undefined ? otherwise_s : durationIn(written, `--${flag}`);
  };
  const share = (flag: string, written = args.text(flag)) =>
    written === undefined ? 0 : percentIn(written, `--${flag}`) / 100;
  const [silentShare, silentAfter = '0'] = (args.text('silent') ?? '0').split('@');
  const interval_s = duration('interval', 60);
  const speed = Number(args.text('speed') ?? 1);
  if (interval_s <= 0 || speed <= 0) {
    throw new GweError('usage', 'Cannot simulate: --interval and --speed must be greater than 0');
  }
  return {
    interval_s,
    install_s: duration('install-seconds', 5),
    fail: share('fail'),
    silent: { share: share('silent', silentShare), after_s: durationIn(silentAfter, '--silent') },
    unhealthy: share('unhealthy'),
    offline: share('offline'),
    speed,
    seed: args.integer('seed') ?? 1,
    download: args.has('download'),
  };
}

/** `sim-00042`. */
export function serialOf(prefix: string, index: number): string {
  return `${prefix}${String(index).padStart(5, '0')}`;
}

/** Adds those that are missing, and enables those whose key a former run had. */
async function prepare(
  context: CommandContext,
  { operator }: Session,
  product: string,
  serials: readonly string[],
): Promise<void> {
  const there = new Map((await operator.gateways({ product })).map((each) => [each.serial, each.status]));
  const missing = serials.filter((serial) => !there.has(serial));
  for (let start = 0; start < missing.length; start += ADDED_AT_A_TIME) {
    await operator.addGateways(product, missing.slice(start, start + ADDED_AT_A_TIME));
  }
  const work = serials.filter((serial) => there.has(serial) && there.get(serial) !== 'notactivated');
  const enable = async (serial: string): Promise<void> => {
    try {
      await operator.enableGateway(product, serial);
    } catch (thrown) {
      if (!(thrown instanceof GweError) || thrown.code !== 'busy') throw thrown;
      await context.clock.sleep((thrown.retryAfter_s ?? 1) * 1000, context.signal);
      await enable(serial);
    }
  };
  for (let start = 0; start < work.length; start += ENABLED_AT_A_TIME) {
    await Promise.all(work.slice(start, start + ENABLED_AT_A_TIME).map(enable));
    if (context.isErrorTerminal)
      context.err(`\r\u001b[Kenabled ${start + ENABLED_AT_A_TIME} of ${work.length}`);
  }
}

async function live(context: CommandContext, fleet: SimulatedFleet, duration_ms: number): Promise<void> {
  const { clock, signal } = context;
  const end_ms = clock.monotonic() + duration_ms;
  const told_ms = context.isErrorTerminal ? TOLD_ON_TERMINAL_MS : TOLD_MS;
  let tell_ms = clock.monotonic() + told_ms;
  const begun_ms = clock.monotonic();
  while (!signal.aborted && clock.monotonic() < end_ms) {
    fleet.begin();
    if (clock.monotonic() >= tell_ms) {
      const line = `${formatDuration(clock.monotonic() - begun_ms)}: ${summary(fleet, clock.monotonic() - begun_ms)}`;
      context.err(context.isErrorTerminal ? `\r\u001b[K${line}` : `${line}\n`);
      tell_ms += told_ms;
    }
    const due_in_ms = (fleet.next_ms() ?? Number.POSITIVE_INFINITY) - clock.now();
    const left_ms = Math.min(tell_ms, end_ms) - clock.monotonic();
    try {
      await clock.sleep(Math.max(1, Math.min(due_in_ms, left_ms)), signal);
    } catch (error) {
      if (!signal.aborted && systemCode(error) !== 'ABORT_ERR') throw error;
    }
  }
  fleet.end();
  const late_ms = clock.monotonic() + LAST_ANSWERS_MS;
  while (fleet.underWay > 0 && clock.monotonic() < late_ms) await clock.sleep(LAST_ANSWERS_LOOK_MS);
}

/** One line: what happened so far. Pure. */
export function summary({ counts, gateways, latencies }: SimulatedFleet, elapsed_ms: number): string {
  const sorted = latencies.toSorted((a, b) => a - b);
  const part = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const rate = (counts['check-in'] * 1000) / Math.max(1, elapsed_ms);
  const parts = [
    `${gateways.length} gateways`,
    `${counts.activated} activated`,
    `${counts['check-in']} check-ins (${rate.toFixed(1)}/s, p50 ${part(0.5).toFixed(1)} ms, p99 ${part(0.99).toFixed(1)} ms)`,
    `${counts.installed} installed`,
  ];
  for (const key of ['failed', 'unhealthy', 'silent', 'refused', 'error'] as const) {
    if (counts[key] > 0) parts.push(`${counts[key]} ${key === 'error' ? 'errors' : key}`);
  }
  return parts.join(', ');
}
