/**
 * Dataports in PostgreSQL: a batch of calls is carried out in memory on what fetchWorld found, and written with one statement
 * a table. A value that did not change is not written again: its point has no text, and takes that of the point before it.
 */
import type { Prepared, Session } from './postgres-client.ts';
import { type Client, createKeys, type Keys } from './postgres-clients.ts';
import { fetchWorld, type Head, type World } from './postgres-heads.ts';
import type { Dataport, Exchange, ExchangeEnd, RecordCall } from './store.ts';
import { areMatched, OWN_ALIASES } from './store-rules.ts';

export type DataCall = { exchange: Exchange } | { record: RecordCall };

/** What a batch adds. */
interface Draft {
  world: World;
  nextId(): number;
  points: Array<{ head: Head; id: number; time_ms: number; value: string | null; day: number }>;
}

export const DAY_MS = 86_400_000;
export const dayOf = (time_ms: number) => Math.floor(time_ms / DAY_MS);

export interface RecordEnd {
  gateway: number;
  aliases: string[];
}

/** `undefined` for a record at an unknown gateway. */
export type DataEnd = ExchangeEnd | RecordEnd | undefined;

/** The days whose partitions must be there before `calls` are carried out. */
export function daysOf(calls: readonly DataCall[]): number[] {
  return [
    ...new Set(calls.map((call) => dayOf('record' in call ? call.record.now_ms : call.exchange.now_ms))),
  ];
}

/** Carries out calls within the transaction of `db`, one after the other, and returns how each ended. `keys`: those that are known. */
export async function carryOut(
  db: Session,
  calls: readonly DataCall[],
  keys: Keys = createKeys(0),
): Promise<DataEnd[]> {
  const wanted = calls.map((call) =>
    'record' in call
      ? { who: call.record.who, aliases: call.record.points.map(({ alias }) => alias) }
      : {
          who: call.exchange.who,
          aliases: [...call.exchange.reads, ...call.exchange.writes.map(([alias]) => alias)],
        },
  );
  const most = calls.reduce((sum, call) => sum + writesOf(call), 0);
  // For each write a point, and a dataport where there is none. Taken after the locks: who writes later to a gateway gets later ids.
  const { world, ids } = await fetchWorld(db, wanted, most === 0 ? undefined : { ids: 2 * most, keys });
  const draft: Draft = { world, nextId: () => ids.shift() ?? 0, points: [] };
  const ends = calls.map((call) =>
    'record' in call ? record(draft, call.record) : exchange(draft, call.exchange),
  );
  await writeDraft(db, draft);
  return ends;
}

const writesOf = (call: DataCall) =>
  'record' in call ? call.record.points.length : call.exchange.writes.length;

const isKnown = (world: World, client: Client, alias: string) =>
  OWN_ALIASES.has(alias) || world.isProductAlias(client.productId, alias);

function headToWrite(
  { world, nextId }: Draft,
  client: Client,
  alias: string,
  create: boolean,
): Head | undefined {
  const there = world.head(client.id, alias);
  if (there !== undefined || !(create || isKnown(world, client, alias))) return there;
  const head: Head = {
    ...{ id: nextId(), gateway: client.id, alias, value: '', updated_ms: 0, point: 0, lastId: 0, textDay: 0 },
    isNew: true,
    change: 'value',
  };
  world.addHead(head);
  return head;
}

/** Makes a value the newest one. A point leaves its text to one before it only if that was written on the same day: days are forgotten one by one. */
function write(draft: Draft, head: Head, given: string, time_ms: number, now_ms: number): Dataport {
  const value = given.toWellFormed();
  const day = dayOf(now_ms);
  const isSame = head.value === value && head.point > 0;
  const hasText = !(isSame && head.lastId === head.point && head.textDay === day);
  const id = draft.nextId();
  draft.points.push({ head, id, time_ms, value: hasText ? value : null, day });
  if (!isSame) head.change = 'value';
  else if (head.change === 'none') head.change = 'time';
  Object.assign(head, {
    value,
    updated_ms: time_ms,
    point: id,
    lastId: id,
    ...(hasText ? { textDay: day } : {}),
  });
  return { alias: head.alias, value, updated_ms: time_ms, point: id };
}

function exchange(draft: Draft, call: Exchange): ExchangeEnd {
  const { world } = draft;
  const client = world.find(call.who);
  if (client === undefined) return { end: 'unknown' };
  const { ifMatch } = call;
  const points = call.writes.map(([alias]) => world.head(client.id, alias)?.point);
  if (ifMatch !== undefined && !areMatched(ifMatch, points)) return { end: 'changed' };
  const written = call.writes.flatMap(([alias, value]) => {
    const head = headToWrite(draft, client, alias, call.create);
    return head === undefined ? [] : [write(draft, head, value, call.now_ms, call.now_ms)];
  });
  const ports = call.reads.flatMap((alias): Dataport[] => {
    const head = world.head(client.id, alias);
    if (head !== undefined) return [asDataport(head)];
    return isKnown(world, client, alias) ? [{ alias, value: '', updated_ms: 0, point: 0 }] : [];
  });
  return { end: 'done', gateway: client.id, ports, written };
}

const asDataport = ({ alias, value, updated_ms, point }: Head): Dataport => ({
  alias,
  value,
  updated_ms,
  point,
});

function record(draft: Draft, call: RecordCall): RecordEnd | undefined {
  const client = draft.world.find(call.who);
  if (client === undefined) return undefined;
  const aliases = new Set<string>();
  for (const { alias, time_ms, value } of call.points) {
    const head = headToWrite(draft, client, alias, false);
    if (head === undefined) continue;
    aliases.add(alias);
    if (time_ms >= head.updated_ms) write(draft, head, value, time_ms, call.now_ms);
    else recordOld(draft, head, value, time_ms, call.now_ms);
  }
  return { gateway: client.id, aliases: [...aliases] };
}

function recordOld(draft: Draft, head: Head, value: string, time_ms: number, now_ms: number): void {
  head.lastId = draft.nextId();
  if (head.change === 'none') head.change = 'time';
  draft.points.push({ head, id: head.lastId, time_ms, value: value.toWellFormed(), day: dayOf(now_ms) });
}

async function writeDraft(db: Session, { world, points }: Draft): Promise<void> {
  if (points.length === 0) return;
  const changed = world.heads().filter(({ change }) => change !== 'none');
  const before = changed.filter((head) => !head.isNew);
  await insertHeads(
    db,
    changed.filter((head) => head.isNew),
  );
  await db.run(WRITE, [...columnsOf(before), before.map(textOfHead), ...columnsOfPoints(points)]);
}

/**
 * The newest values and the points. A text that stays the same is not sent: where it is long, only its row's few numbers are written;
 * and the text of a new point that is also the newest value is sent once.
 */
const WRITE: Prepared = {
  name: 'write values and points',
  text: `WITH head AS MATERIALIZED (
    SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[])
      h(id, time_ms, point_id, last_id, text_day, value)
  ), written AS (
    UPDATE dataport d SET time_ms = h.time_ms, point_id = h.point_id, last_id = h.last_id, text_day = h.text_day,
      value = coalesce(h.value, d.value) FROM head h WHERE d.id = h.id
  )
  INSERT INTO point (day, dataport_id, id, time_ms, value)
  SELECT p.day, p.dataport_id, p.id, p.time_ms, coalesce(p.value, h.value)
  FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::bigint[])
    p(day, dataport_id, id, time_ms, value, has_text_of)
  LEFT JOIN head h ON h.id = p.has_text_of`,
};

const columnsOf = (heads: readonly Head[]) => [
  heads.map(({ id }) => id),
  heads.map(({ updated_ms }) => updated_ms),
  heads.map(({ point }) => point),
  heads.map(({ lastId }) => lastId),
  heads.map(({ textDay }) => textDay),
];

const textOfHead = ({ change, value }: Head) => (change === 'value' ? value : null);

function columnsOfPoints(points: Draft['points']) {
  const isHeads = ({ head, value }: Draft['points'][number]) =>
    !head.isNew && value !== null && value === textOfHead(head);
  return [
    points.map(({ day }) => day),
    points.map(({ head }) => head.id),
    points.map(({ id }) => id),
    points.map(({ time_ms }) => time_ms),
    points.map((point) => (isHeads(point) ? null : point.value)),
    points.map((point) => (isHeads(point) ? point.head.id : null)),
  ];
}

async function insertHeads(db: Session, heads: readonly Head[]): Promise<void> {
  if (heads.length === 0) return;
  await db.run(
    `INSERT INTO dataport (id, time_ms, point_id, last_id, text_day, gateway_id, alias, value)
     SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[], ?::text[], ?::text[])`,
    [
      ...columnsOf(heads),
      heads.map(({ gateway }) => gateway),
      heads.map(({ alias }) => alias),
      heads.map(({ value }) => value),
    ],
  );
}
