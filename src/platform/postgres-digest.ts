/** What gateways reported, taken out of their reports so that it can be searched and counted, in PostgreSQL: behind the check-ins, in batches. */

import { createCounts, ENDS_MAX, endsIn, mayHaveEnded, noteEnd, summaryOf } from './digest-rules.ts';
import type { Digest, FleetStore, InstallEnd, Written } from './fleet-store.ts';
import type { Database, Session } from './postgres-client.ts';
import { readHistory } from './postgres-history.ts';
import { LOCKS } from './postgres-locks.ts';
import { reported } from './reported.ts';
import { int, type Row, text } from './sqlite-rows.ts';

const KNOWN = `SELECT g.id, g.product_id, p.name AS product, g.serial, coalesce(f.summary, '') AS summary,
    coalesce(f.status_point, 0) AS status_point, coalesce(r.value, '') AS report,
    CASE WHEN s.last_id > coalesce(f.status_point, 0) THEN s.id END AS status_port
  FROM gateway g JOIN product p ON p.id = g.product_id LEFT JOIN fleet f ON f.gateway_id = g.id
  LEFT JOIN dataport r ON r.gateway_id = g.id AND r.alias = 'engine_report'
  LEFT JOIN dataport s ON s.gateway_id = g.id AND s.alias = 'fetch_status'
  WHERE g.id = ANY(?::bigint[]) ORDER BY g.id FOR KEY SHARE OF g`;

type Counts = ReturnType<typeof createCounts>;

export function openDigest(db: Database): Pick<FleetStore, 'digest' | 'undigested'> {
  return {
    digest: (written) =>
      db.transaction(async (session) => {
        // Counts and versions of one gateway are changed by one at a time.
        await session.run('SELECT pg_advisory_xact_lock(?)', [LOCKS.digest]);
        const counts = createCounts();
        const rows = await session.all(KNOWN, [written.map(({ gateway }) => gateway)]);
        const known = new Map(rows.map((row) => [int(row, 'id'), row]));
        const digests: Digest[] = [];
        for (const each of written) {
          const row = known.get(each.gateway);
          if (row !== undefined) digests.push(await look(session, each, row, counts));
        }
        await writeCounts(session, counts);
        return digests;
      }),
    async undigested(after, limit) {
      const rows = await db.all(
        `SELECT gateway_id FROM dataport WHERE alias = 'engine_report' AND gateway_id > ? ORDER BY gateway_id LIMIT ?`,
        [after, limit],
      );
      return rows.map((row) => int(row, 'gateway_id'));
    },
  };
}

async function look(db: Session, written: Written, row: Row, counts: Counts): Promise<Digest> {
  const { gateway, aliases } = written;
  const { apps, interval_s } = reported(text(row, 'report'));
  const before = { summary: text(row, 'summary'), point: int(row, 'status_point') };
  const { ends, point } = mayHaveEnded(aliases)
    ? await endsSince(db, row, before.point)
    : { ends: [], point: before.point };
  const summary = summaryOf({ apps, interval_s });
  if (summary !== before.summary || point !== before.point) {
    await db.run(
      `INSERT INTO fleet (gateway_id, interval_s, summary, status_point) VALUES (?, ?, ?, ?)
       ON CONFLICT (gateway_id) DO UPDATE SET interval_s = excluded.interval_s, summary = excluded.summary,
       status_point = excluded.status_point`,
      [gateway, interval_s ?? null, summary, point],
    );
  }
  if (summary !== before.summary) await install(db, gateway, apps);
  const product = int(row, 'product_id');
  if (written.checkIns > 0) counts.note(product, written.time_ms, 'checkIns', written.checkIns);
  for (const end of ends) noteEnd(product, end, counts.note);
  return { ...written, product: text(row, 'product'), serial: text(row, 'serial'), apps, interval_s, ends };
}

async function endsSince(
  db: Session,
  row: Row,
  point: number,
): Promise<{ ends: InstallEnd[]; point: number }> {
  if (row['status_port'] === null) return { ends: [], point };
  const points = await readHistory(db, int(row, 'status_port'), { since: point, limit: ENDS_MAX });
  return endsIn(points, point);
}

async function install(db: Session, gateway: number, apps: Readonly<Record<string, string>>): Promise<void> {
  await db.run('DELETE FROM installed WHERE gateway_id = ?', [gateway]);
  await db.run(
    'INSERT INTO installed (gateway_id, app, version) SELECT ?::bigint, * FROM unnest(?::text[], ?::text[])',
    [gateway, Object.keys(apps), Object.values(apps)],
  );
}

async function writeCounts(db: Session, counts: Counts): Promise<void> {
  for (const { time_ms, product, checkIns, installs, failures } of counts.all()) {
    await db.run(
      `INSERT INTO hour AS h (time_ms, product_id, check_ins, installs, failures) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (time_ms, product_id) DO UPDATE SET check_ins = h.check_ins + excluded.check_ins,
       installs = h.installs + excluded.installs, failures = h.failures + excluded.failures`,
      [time_ms, product, checkIns, installs, failures],
    );
  }
}
