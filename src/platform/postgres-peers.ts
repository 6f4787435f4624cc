/** The other replicas, as a platform over PostgreSQL sees them: hints by notification, and the database to ask what is true. */
import type { Peers, Waiting } from './peers.ts';
import type { Bus } from './postgres-bus.ts';
import type { Database } from './postgres-client.ts';
import { int, text } from './sqlite-rows.ts';

/** Of those who wait, asked about with one statement. */
const ASKED_MAX = 5_000;

export function openPeers(db: Database, bus: Bus): Omit<Peers, 'onLeft'> {
  return {
    tell: (type, data) => bus.publish({ type, data }),
    onEvent: (listener) =>
      bus.onNews(({ events }) => {
        for (const { type, data } of events) listener(type, data);
      }),
    onGap: (listener) =>
      bus.onNews(({ isGap }) => {
        if (isGap) listener();
      }),
    async newer(waiting) {
      const found: Waiting[] = [];
      for (let at = 0; at < waiting.length; at += ASKED_MAX)
        found.push(...(await newerOf(db, waiting.slice(at, at + ASKED_MAX))));
      return found;
    },
  };
}

async function newerOf(db: Database, waiting: readonly Waiting[]): Promise<Waiting[]> {
  const rows = await db.all(
    `SELECT d.gateway_id, d.alias, d.point_id FROM unnest(?::bigint[], ?::text[], ?::bigint[]) w(gateway_id, alias, point)
     JOIN dataport d ON d.gateway_id = w.gateway_id AND d.alias = w.alias WHERE d.point_id > w.point`,
    [
      waiting.map(({ gateway }) => gateway),
      waiting.map(({ alias }) => alias),
      waiting.map(({ point }) => point),
    ],
  );
  return rows.map((row) => ({
    gateway: int(row, 'gateway_id'),
    alias: text(row, 'alias'),
    point: int(row, 'point_id'),
  }));
}
