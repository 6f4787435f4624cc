/**
 * The data budget of this gateway while it is awake: counts what is moved, and says what is left. Loaded only where a
 * budget is set. The rules are budget-rules.ts's; what is kept lies in usage.json, which is written anyway.
 */
import { UNKNOWN_IFACE } from '../client/connection.ts';
import type { Settings } from '../config/settings.ts';
import { GweError } from '../errors.ts';
import type { Traffic } from '../reports/usage.ts';
import { grown, measured, type Own } from './budget-count.ts';
import { isMeteredAt, LOOPBACK, localTime, meteredHours, meteredInterfaces } from './budget-hours.ts';
import {
  advanced,
  type Ledger,
  type Left,
  leftFor,
  type Moment,
  newLedger,
  type Purpose,
  spent,
} from './budget-rules.ts';
import { limitsOf, resumes_ms, spentWords } from './budget-view.ts';

/** What a budget looks at; each is asked at the moment it is needed. */
export interface BudgetWorld {
  moment(): Moment;
  /** Bytes of each interface, both directions, since it came up; `undefined` where the system does not tell. */
  counters(): ReadonlyMap<string, number> | undefined;
  /** The interface that traffic leaves by, where no exchange has shown it yet. */
  route(): string | undefined;
  /** Writes what `toKeep` gives, at once. */
  save(): void;
}

export interface Budget {
  /** An exchange is over. */
  add(traffic: Traffic): void;
  /** So many more bytes of a download have come, of an exchange that is not over. Durable before they are spent. */
  moving(bytes: number): void;
  left(purpose: Purpose): Left;
  /** Raises `budget`, with the time when it begins again, when `bytes` do not fit. */
  require(purpose: Purpose, bytes: number, what: string): void;
  /** When there is a budget for it again; `undefined` = there is no limit now. */
  resumes_ms(purpose: Purpose): number | undefined;
  toKeep(): Ledger;
}

/** A power cut in a download costs at most so much of the budget that was not used. */
const AHEAD_MAX_BYTES = 4 * 1024 * 1024;
const AHEAD_MIN_BYTES = 64 * 1024;

/** Opens the budget that `settings` ask for, from what was kept of it. Reads the counters; writes nothing. */
export function openBudget(settings: Settings, kept: Ledger | undefined, world: BudgetWorld): Budget {
  const limits = limitsOf(settings);
  const hours = meteredHours(settings['budget.hours']);
  const named = meteredInterfaces(settings['budget.interfaces']);
  const isMetered = (iface: string) => iface === UNKNOWN_IFACE || named(iface);
  const countsAll = settings['budget.counts'] === 'interface';
  const begun = world.moment();
  let ledger = kept ?? newLedger(begun, localTime(begun.wall_ms));
  const readable = () =>
    [...(world.counters() ?? [])].filter(([name]) => isMetered(name) && name !== LOOPBACK);
  const before = new Map(countsAll && kept?.counters ? countersOf(kept, begun) : readable());
  const grew = new Map<string, number>();
  const own = new Map<string, Own>();
  let [moving_bytes, ahead_bytes, counted_bytes] = [0, 0, 0];
  let last: string | undefined;

  /** As the last exchange went; before the first one of this wake-up as the one before it, unless the routes have changed. */
  const here = () => {
    if (last !== undefined) return last;
    const route = world.route() ?? '';
    if (ledger.way?.route === route) return ledger.way.iface;
    return route === '' ? undefined : route;
  };
  const isFree = (now_ms: number) => {
    const iface = here();
    return !isMeteredAt(hours, now_ms) || (iface !== undefined && !isMetered(iface));
  };
  const lookAtCounters = () => {
    for (const [name, bytes] of readable()) {
      grew.set(name, (grew.get(name) ?? 0) + grown(before.get(name), bytes));
      before.set(name, bytes);
    }
  };
  /** Since this was opened. Of interfaces whose counters cannot be read, what gwe's sockets moved. */
  const count = () => {
    lookAtCounters();
    const mine = new Map(own);
    const iface = here() ?? UNKNOWN_IFACE;
    if (moving_bytes > 0 && isMetered(iface)) {
      const { tcp_bytes, exchanges } = mine.get(iface) ?? NOTHING;
      mine.set(iface, { tcp_bytes: tcp_bytes + moving_bytes, exchanges: exchanges + 1 });
    }
    const counted = [...mine]
      .filter(([name]) => !countsAll || !grew.has(name))
      .map(([name, each]) => measured(each, grew.get(name)));
    return sum(counted) + (countsAll ? sum([...grew.values()]) : 0);
  };
  const look = () => {
    const now = world.moment();
    const local = localTime(now.wall_ms);
    // What was moved since the last look counts as of then, if either end of it lay in an hour that counts.
    const counts = isMeteredAt(hours, now.wall_ms) || isMeteredAt(hours, ledger.seen.wall_ms);
    ledger = advanced(ledger, now, local);
    const more_bytes = Math.max(0, count() - counted_bytes);
    counted_bytes += more_bytes;
    if (counts) ledger = spent(ledger, more_bytes);
    ahead_bytes = Math.max(0, ahead_bytes - more_bytes);
    return { now, local };
  };
  const left = (purpose: Purpose): Left => {
    const { now, local } = look();
    return isFree(now.wall_ms) ? UNLIMITED : leftFor(purpose, ledger, limits, local);
  };
  return {
    left,
    add({ iface, method, rx_bytes, tx_bytes }) {
      last = iface;
      ledger = { ...ledger, way: { iface, route: world.route() ?? '' } };
      if (method === DOWNLOAD) [moving_bytes, ahead_bytes] = [0, 0];
      if (!isMetered(iface)) return;
      const { tcp_bytes, exchanges } = own.get(iface) ?? NOTHING;
      own.set(iface, { tcp_bytes: tcp_bytes + rx_bytes + tx_bytes, exchanges: exchanges + 1 });
      look();
    },
    moving(bytes) {
      const { bytes: left_bytes } = left('download');
      moving_bytes += bytes;
      if (left_bytes === Number.POSITIVE_INFINITY || ahead_bytes >= bytes) return;
      ahead_bytes = bytes + Math.min(AHEAD_MAX_BYTES, Math.max(AHEAD_MIN_BYTES, Math.floor(left_bytes / 8)));
      world.save();
    },
    require(purpose, bytes, what) {
      const { bytes: left_bytes, span } = left(purpose);
      if (left_bytes >= bytes || span === undefined) return;
      const until_ms = resumes_ms(ledger, span, purpose, settings);
      throw new GweError('budget', `Cannot ${what}: ${spentWords(settings, span, until_ms)}`, {
        hint: 'gwe goes on by itself then; or raise the budget: see gwe config list budget.',
      });
    },
    resumes_ms(purpose) {
      const { span } = left(purpose);
      return span === undefined ? undefined : resumes_ms(ledger, span, purpose, settings);
    },
    toKeep() {
      look();
      const { counters: _, ...rest } = ahead_bytes > 0 ? spent(ledger, ahead_bytes) : ledger;
      return countsAll
        ? { ...rest, counters: Object.fromEntries(readable().slice(0, INTERFACES_MAX)) }
        : rest;
    },
  };
}

/** Of so many interfaces the counters are kept. */
const INTERFACES_MAX = 16;
const DOWNLOAD = 'http_download';
const NOTHING: Own = { tcp_bytes: 0, exchanges: 0 };
const UNLIMITED: Left = { bytes: Number.POSITIVE_INFINITY, span: undefined };
const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

/** The counters that were kept; after a start of the machine all of them began anew. */
function countersOf({ counters = {}, seen }: Ledger, now: Moment): [string, number][] {
  const isSameBoot = seen.boot !== '' && seen.boot === now.boot;
  return Object.entries(counters).map(([name, bytes]) => [name, isSameBoot ? bytes : 0]);
}
