/** The procedures of the One Platform's JSON-RPC that are served: time series, info, lookup and listing of a device's own dataports. */
import { createHash } from 'node:crypto';
import type { Platform } from './context.ts';
import {
  HISTORY_MAX_POINTS,
  HISTORY_SLACK_POINTS,
  NAME_MAX_CHARACTERS,
  VALUE_MAX_CHARACTERS,
} from './limits.ts';
import type { Gateway, GatewayRef, Point } from './store.ts';

/** `invalid`: the arguments name something that isn't there, or are none. */
type Procedure = (platform: Platform, who: GatewayRef, args: readonly unknown[]) => Promise<unknown>;

export const procedures: Readonly<Record<string, Procedure>> = {
  read,
  write,
  writegroup: writeGroup,
  record,
  info,
  lookup,
  listing,
};

/** The resource id of a dataport: it follows from the device and the alias, so none has to be kept. */
function ridOf(gateway: Gateway, alias: string): string {
  if (alias === '') return gateway.rid;
  return createHash('sha256').update(`${gateway.rid} ${alias}`).digest('hex').slice(0, 40);
}

/** The alias that a resource is meant by: `{"alias":"a"}`, or its resource id. '' is the device itself. */
async function aliasOf(platform: Platform, who: GatewayRef, resource: unknown): Promise<string | undefined> {
  const alias = fieldsOf(resource)['alias'];
  if (typeof alias === 'string') return alias.length <= NAME_MAX_CHARACTERS ? alias : undefined;
  const gateway = await platform.store.gateway(who);
  if (typeof resource !== 'string' || gateway === undefined) return undefined;
  const ports = (await platform.store.dataports(who)) ?? [];
  return ['', ...ports.map((port) => port.alias)].find((each) => ridOf(gateway, each) === resource);
}

/** `[resource, {starttime, endtime, sort, limit}]` → `[[seconds, value], …]`; the newest one when nothing else is said. */
async function read(platform: Platform, who: GatewayRef, [resource, options]: readonly unknown[]) {
  const alias = await aliasOf(platform, who, resource);
  if (alias === undefined || alias === '') return 'invalid';
  const kept = HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS + 1;
  const points = await platform.store.points(who, alias, { limit: kept });
  await seen(platform, who, []);
  if (points === undefined) return 'invalid';
  const { starttime, endtime, sort, limit } = fieldsOf(options);
  const [from_s, to_s] = [numberOr(starttime, 0), numberOr(endtime, Number.MAX_SAFE_INTEGER)];
  const fitting = points
    .map(({ time_ms, value }: Point) => [Math.floor(time_ms / 1000), value] as const)
    .filter(([time_s]) => time_s >= from_s && time_s <= to_s)
    .sort(([a], [b]) => a - b);
  const sorted = sort === 'asc' ? fitting : fitting.reverse();
  return sorted.slice(0, numberOr(limit, 1));
}

/** `[resource, value]`. */
function write(platform: Platform, who: GatewayRef, [resource, value]: readonly unknown[]) {
  return writeAll(platform, who, [[resource, value]]);
}

/** `[[[resource, value], …]]`: all at one timestamp. */
async function writeGroup(platform: Platform, who: GatewayRef, [pairs]: readonly unknown[]) {
  return Array.isArray(pairs) ? writeAll(platform, who, pairs) : 'invalid';
}

async function writeAll(platform: Platform, who: GatewayRef, pairs: readonly unknown[]) {
  const writes: Array<readonly [string, string]> = [];
  for (const pair of pairs) {
    const [resource, value]: unknown[] = Array.isArray(pair) ? pair : [];
    const alias = await aliasOf(platform, who, resource);
    const text = textOf(value);
    if (alias === undefined || alias === '' || text === undefined) return 'invalid';
    writes.push([alias, text]);
  }
  const written = await seen(platform, who, writes);
  return written === writes.length ? undefined : 'invalid';
}

/** Writes as the device does, and notes that it was seen. Returns how many of the dataports there are. */
async function seen(
  platform: Platform,
  who: GatewayRef,
  writes: ReadonlyArray<readonly [string, string]>,
): Promise<number> {
  const now_ms = platform.clock.now();
  const end = await platform.store.exchange({ who, writes, reads: [], create: false, seen: true, now_ms });
  return end.end === 'done' ? end.written.length : 0;
}

/** `[resource, [[seconds, value], …], {}]`: negative seconds are before now. */
async function record(platform: Platform, who: GatewayRef, [resource, points]: readonly unknown[]) {
  const alias = await aliasOf(platform, who, resource);
  if (alias === undefined || alias === '' || !Array.isArray(points)) return 'invalid';
  const now_ms = platform.clock.now();
  const read = points.flatMap((point: unknown) => {
    const [time_s, value]: unknown[] = Array.isArray(point) ? point : [];
    const text = textOf(value);
    if (typeof time_s !== 'number' || text === undefined) return [];
    return [{ alias, time_ms: Math.floor(time_s * 1000) + (time_s < 0 ? now_ms : 0), value: text }];
  });
  if (read.length < points.length) return 'invalid';
  await platform.store.record({ who, points: read.sort((a, b) => a.time_ms - b.time_ms), now_ms });
  return undefined;
}

/** `[resource, {"basic": true, …}]`; all parts when none is named. The key is never told. */
async function info(platform: Platform, who: GatewayRef, [resource, options]: readonly unknown[]) {
  const alias = await aliasOf(platform, who, resource);
  const gateway = await platform.store.gateway(who);
  if (alias === undefined || gateway === undefined) return 'invalid';
  const ports = (await platform.store.dataports(who)) ?? [];
  const port = ports.find((each) => each.alias === alias);
  if (alias !== '' && port === undefined) return 'invalid';
  const parts: Record<string, unknown> =
    port === undefined
      ? {
          aliases: Object.fromEntries(ports.map((each) => [ridOf(gateway, each.alias), [each.alias]])),
          basic: { type: 'client', modified: seconds(gateway.lastSeen_ms), status: gateway.state },
          description: { name: gateway.serial, meta: '', public: false, visibility: 'parent' },
        }
      : {
          basic: { type: 'dataport', modified: seconds(port.updated_ms), subscribers: 0 },
          description: { name: port.alias, format: 'string', meta: '', public: false, visibility: 'parent' },
        };
  const asked = Object.entries(fieldsOf(options)).flatMap(([name, isAsked]) =>
    isAsked === true ? [name] : [],
  );
  return Object.fromEntries(
    Object.entries(parts).filter(([name]) => asked.length === 0 || asked.includes(name)),
  );
}

/** `["alias", "a"]` → resource id; "" is the device itself. */
async function lookup(platform: Platform, who: GatewayRef, [type, alias]: readonly unknown[]) {
  const gateway = await platform.store.gateway(who);
  if (gateway === undefined || typeof alias !== 'string') return 'invalid';
  if (type !== 'alias' && type !== 'aliased') return 'invalid';
  const ports = (await platform.store.dataports(who)) ?? [];
  const isThere = alias === '' || ports.some((port) => port.alias === alias);
  return isThere ? ridOf(gateway, alias) : 'invalid';
}

/** `[["dataport"], {}]` → the resource ids, by kind. */
async function listing(platform: Platform, who: GatewayRef, args: readonly unknown[]) {
  const kinds = args.find((each) => Array.isArray(each));
  const gateway = await platform.store.gateway(who);
  if (gateway === undefined || !Array.isArray(kinds)) return 'invalid';
  const rids = ((await platform.store.dataports(who)) ?? []).map(({ alias }) => ridOf(gateway, alias));
  return Object.fromEntries(kinds.map((kind) => [String(kind), kind === 'dataport' ? rids : []]));
}

function seconds(time_ms: number): number {
  return Math.floor(time_ms / 1000);
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && value >= 0 ? value : otherwise;
}

/** A value as it is kept: numbers and booleans as their text. */
function textOf(value: unknown): string | undefined {
  const isPlain = ['string', 'number', 'boolean'].includes(typeof value);
  return isPlain && String(value).length <= VALUE_MAX_CHARACTERS ? String(value) : undefined;
}

/** Anything as an object; what is none has no fields. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
