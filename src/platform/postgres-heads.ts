/**
 * What a batch of calls needs to know before it is carried out, fetched with one statement each: gateways (locked, when they
 * are written to), the newest values of the dataports that are named, the aliases of products where some of them are not there.
 */
import type { Prepared, Session } from './postgres-client.ts';
import { type Client, findClients, type Keys, lockClients, refText } from './postgres-clients.ts';
import { int, type Row, text } from './sqlite-rows.ts';
import type { GatewayRef } from './store.ts';
import { OWN_ALIASES } from './store-rules.ts';

/** A dataport's row, and what has become of it in this batch. */
export interface Head {
  id: number;
  readonly gateway: number;
  readonly alias: string;
  value: string;
  updated_ms: number;
  /** The newest value's point. */
  point: number;
  /** The point that was added last: another than `point` after a recording of older points. */
  lastId: number;
  /** The day of the newest point that has its text beside it. */
  textDay: number;
  isNew: boolean;
  /** The row is to be written; with its text, or without. */
  change: 'none' | 'time' | 'value';
}

export interface World {
  find(who: GatewayRef): Client | undefined;
  head(gateway: number, alias: string): Head | undefined;
  addHead(head: Head): void;
  heads(): Head[];
  isProductAlias(product: number, alias: string): boolean;
}

const portText = (gateway: number, alias: string) => `${gateway} ${alias}`;

export interface Wanted {
  who: GatewayRef;
  aliases: readonly string[];
}

/** What is to be locked and taken beside: `ids` of points that the batch may need, new ones, in order; which keys are known already. */
export interface ToWrite {
  ids: number;
  keys: Keys;
}

/** Fetches all that `wanted` names, and, to write, locks the gateways and takes new ids. */
export async function fetchWorld(
  db: Session,
  wanted: readonly Wanted[],
  toWrite?: ToWrite,
): Promise<{ world: World; ids: number[] }> {
  const refs = wanted.map(({ who }) => who);
  const clients = await (toWrite === undefined ? findClients(db, refs) : lockClients(db, refs, toWrite.keys));
  const find = (who: GatewayRef) => clients.get(refText(who));
  const ports = wanted.flatMap(({ who, aliases }) => {
    const client = find(who);
    return client === undefined ? [] : aliases.map((alias) => ({ client, alias }));
  });
  const fetched = await fetchHeads(db, ports, toWrite?.ids ?? 0);
  const heads = new Map(fetched.heads.map((head) => [portText(head.gateway, head.alias), head]));
  const missing = ports.filter(({ client, alias }) => !heads.has(portText(client.id, alias)));
  const aliases = await productAliases(db, missing);
  const world: World = {
    find,
    head: (gateway, alias) => heads.get(portText(gateway, alias)),
    addHead: (head) => void heads.set(portText(head.gateway, head.alias), head),
    heads: () => [...heads.values()],
    isProductAlias: (product, alias) => aliases.has(portText(product, alias)),
  };
  return { world, ids: fetched.ids };
}

type Port = { client: Client; alias: string };

async function productAliases(db: Session, missing: readonly Port[]): Promise<Set<string>> {
  const asked = missing.filter(({ alias }) => !OWN_ALIASES.has(alias));
  if (asked.length === 0) return new Set();
  const products = [...new Set(asked.map(({ client }) => client.productId))];
  const rows = await db.all(
    'SELECT product_id, alias FROM product_alias WHERE product_id = ANY(?::bigint[])',
    [products],
  );
  return new Set(rows.map((row) => portText(int(row, 'product_id'), text(row, 'alias'))));
}

const HEADS: Prepared = {
  name: 'read values',
  text: `SELECT d.id, d.gateway_id, d.alias, d.time_ms, d.point_id, d.last_id, d.text_day, d.value FROM dataport d
  WHERE (d.gateway_id, d.alias) IN (SELECT * FROM unnest(:gateways::bigint[], :aliases::text[]))`,
};
/** The ids come as one row more, which has no gateway. */
const HEADS_AND_IDS: Prepared = {
  name: 'read values and take ids',
  text: `${HEADS.text}
  UNION ALL SELECT 0, 0, '', 0, 0, 0, 0, (SELECT string_agg(nextval('point_id')::text, ' ') FROM generate_series(1, :ids::int))`,
};

async function fetchHeads(
  db: Session,
  ports: readonly Port[],
  ids: number,
): Promise<{ heads: Head[]; ids: number[] }> {
  if (ports.length === 0) return { heads: [], ids: [] };
  const gateways = ports.map(({ client }) => client.id);
  const aliases = ports.map(({ alias }) => alias);
  const rows =
    ids === 0
      ? await db.all(HEADS, { gateways, aliases })
      : await db.all(HEADS_AND_IDS, { gateways, aliases, ids });
  const taken = rows.find((row) => row['gateway_id'] === 0);
  return {
    heads: rows.flatMap((row) => (row === taken ? [] : [headIn(row)])),
    ids: taken === undefined ? [] : idsIn(text(taken, 'value')),
  };
}

const idsIn = (list: string): number[] =>
  list
    .split(' ')
    .map(Number)
    .sort((a, b) => a - b);

const headIn = (row: Row): Head => ({
  id: int(row, 'id'),
  gateway: int(row, 'gateway_id'),
  alias: text(row, 'alias'),
  value: text(row, 'value'),
  updated_ms: int(row, 'time_ms'),
  point: int(row, 'point_id'),
  lastId: int(row, 'last_id'),
  textDay: int(row, 'text_day'),
  isNew: false,
  change: 'none',
});
