/**
 * How many bytes went through each interface, by method, this hour and this day: the state that is kept between two
 * wake-ups, and the text of `usage_report`. Pure. Who counts is the client; who keeps the state on disk is the engine.
 */

/** One exchange with the platform, as the client counted it. */
export interface Traffic {
  iface: string;
  method: string;
  rx_bytes: number;
  tx_bytes: number;
}

interface Count {
  tot_rx: number;
  max_rx: number;
  tot_tx: number;
  max_tx: number;
  num: number;
}
type Methods = { readonly [method: string]: Count };

interface Window {
  /** A whole hour or day (UTC), milliseconds since 1970. Kept beside the counts: the report must hold no number there. */
  readonly start_ms: number;
  readonly interfaces: { readonly [iface: string]: Methods };
}

/** The newest hour and the newest day in which there was traffic. */
export type Usage = { readonly [Name in WindowName]: Window };

const WINDOW_MS = { hour: 3_600_000, day: 86_400_000 } as const;
type WindowName = keyof typeof WINDOW_MS;
const WINDOW_NAMES: readonly WindowName[] = ['hour', 'day'];

/** What is counted apart; what comes after that is counted as one. */
export const INTERFACES_MAX = 16;
export const METHODS_MAX = 32;
const REST = 'other';

/** Nothing counted yet. */
export function emptyUsage(): Usage {
  const window: Window = { start_ms: 0, interfaces: {} };
  return { hour: window, day: window };
}

/** The usage with one more exchange at `now_ms`. A window that is over (or lies ahead, after the clock was set) begins anew. */
export function addTraffic(usage: Usage, traffic: Traffic, now_ms: number): Usage {
  const added = (name: WindowName): Window => {
    const start_ms = Math.floor(now_ms / WINDOW_MS[name]) * WINDOW_MS[name];
    const window = usage[name].start_ms === start_ms ? usage[name] : { start_ms, interfaces: {} };
    return { start_ms, interfaces: addToInterface(window.interfaces, traffic) };
  };
  return { hour: added('hour'), day: added('day') };
}

function addToInterface(interfaces: Window['interfaces'], traffic: Traffic): Window['interfaces'] {
  const iface = placeFor(interfaces, traffic.iface, INTERFACES_MAX);
  const methods = interfaces[iface] ?? {};
  const method = placeFor(methods, traffic.method, METHODS_MAX);
  return { ...interfaces, [iface]: { ...methods, [method]: counted(methods[method], traffic) } };
}

/** A name that is unusable (the pages that show the report drop names of two characters and fewer), or one too many, counts as the rest. */
function placeFor(known: object, name: string, limit: number): string {
  if (Object.hasOwn(known, name)) return name;
  const usable = /^[A-Za-z0-9][\w.:@-]{0,49}$/.test(name) && (limit !== METHODS_MAX || name.length > 2);
  return usable && Object.keys(known).length < limit - 1 ? name : REST;
}

function counted(before: Count | undefined, { rx_bytes, tx_bytes }: Traffic): Count {
  return {
    tot_rx: (before?.tot_rx ?? 0) + rx_bytes,
    max_rx: Math.max(before?.max_rx ?? 0, rx_bytes),
    tot_tx: (before?.tot_tx ?? 0) + tx_bytes,
    max_tx: Math.max(before?.max_tx ?? 0, tx_bytes),
    num: (before?.num ?? 0) + 1,
  };
}

/**
 * The text of `usage_report`: interface → window → method → numbers, and for each interface, beside its windows, what
 * moved most bytes in the day and when the windows began. A window in which nothing went through that interface is empty.
 * A window stays in the report until traffic opens the next one: a gateway that checks in twice a day would otherwise
 * always report an hour of nothing. One that began after `now_ms` is left out: the clock has been set back since.
 */
export function usageReport(usage: Usage, now_ms: number): string {
  const isPast = (name: WindowName) => usage[name].start_ms <= now_ms;
  const shown = WINDOW_NAMES.filter(isPast);
  const names = new Set(shown.flatMap((name) => Object.keys(usage[name].interfaces)));
  const began = shown.map(
    (name) => `${name} from ${new Date(usage[name].start_ms).toISOString().slice(0, 16)}Z`,
  );
  const report = [...names].map((iface) => {
    const windows = WINDOW_NAMES.map((name) => [name, (isPast(name) && usage[name].interfaces[iface]) || {}]);
    const top = topConsumer(usage.day.interfaces[iface] ?? usage.hour.interfaces[iface] ?? {});
    return [iface, { top_consumer: top, counted: began.join(', '), ...Object.fromEntries(windows) }];
  });
  return JSON.stringify(Object.fromEntries(report));
}

function topConsumer(methods: Methods): string {
  const bytes = ([, count]: readonly [string, Count]) => count.tot_rx + count.tot_tx;
  const [most] = Object.entries(methods).sort((one, other) => bytes(other) - bytes(one));
  return most?.[0] ?? '';
}

/** The state as it was kept; `undefined` when it is not there or is not what this version writes. */
export function readUsage(text: string | undefined): Usage | undefined {
  if (text === undefined) return undefined;
  try {
    const { hour, day } = record(JSON.parse(text));
    return { hour: readWindow(hour), day: readWindow(day) };
  } catch {
    return undefined;
  }
}

function readWindow(value: unknown): Window {
  const { start_ms, interfaces } = record(value);
  const read = Object.entries(record(interfaces)).map(([iface, methods]) => {
    const counts = Object.entries(record(methods)).map(([method, count]) => [method, readCount(count)]);
    return [iface, Object.fromEntries(counts)];
  });
  return { start_ms: count(start_ms), interfaces: Object.fromEntries(read) };
}

function readCount(value: unknown): Count {
  const { tot_rx, max_rx, tot_tx, max_tx, num } = record(value);
  return {
    tot_rx: count(tot_rx),
    max_rx: count(max_rx),
    tot_tx: count(tot_tx),
    max_tx: count(max_tx),
    num: count(num),
  };
}

function record(value: unknown): { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TypeError('no record');
  return { ...value };
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new TypeError('no count');
  return value;
}
