/**
 * What gateways reported, taken out of their reports so that it can be searched and counted. It happens behind the
 * check-ins, in batches; a report that says nothing new costs no write.
 */
import type { DatabaseSync } from 'node:sqlite';
import {
  createCounts,
  ENDS_MAX,
  endsIn,
  mayHaveEnded,
  type Note,
  noteEnd,
  summaryOf,
} from './digest-rules.ts';
import type { Digest, InstallEnd, Written } from './fleet-store.ts';
import { type Reported, reported } from './reported.ts';
import type { DataTable } from './sqlite-data.ts';
import { int, text, textOrNull } from './sqlite-rows.ts';

interface Known {
  productId: number;
  product: string;
  serial: string;
  summary: string;
  statusPoint: number;
}

export function prepareDigest(db: DatabaseSync, data: Pick<DataTable, 'history'>) {
  const known = db.prepare(
    `SELECT g.product_id, p.name AS product, g.serial, f.summary, coalesce(f.status_point, 0) AS status_point
     FROM gateway g JOIN product p ON p.id = g.product_id LEFT JOIN fleet f ON f.gateway_id = g.id WHERE g.id = ?`,
  );
  const report = db.prepare(
    `SELECT v.value FROM dataport d JOIN point v ON v.id = d.value_id
     WHERE d.gateway_id = ? AND d.alias = 'engine_report'`,
  );
  const statusPort = db.prepare("SELECT id FROM dataport WHERE gateway_id = ? AND alias = 'fetch_status'");
  const keep = db.prepare(
    `INSERT INTO fleet (gateway_id, interval_s, summary, status_point) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET interval_s = excluded.interval_s, summary = excluded.summary,
     status_point = excluded.status_point`,
  );
  const forget = db.prepare('DELETE FROM installed WHERE gateway_id = ?');
  const install = db.prepare('INSERT INTO installed (gateway_id, app, version) VALUES (?, ?, ?)');
  const count = db.prepare(
    `INSERT INTO hour (time_ms, product_id, check_ins, installs, failures) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET check_ins = check_ins + excluded.check_ins, installs = installs + excluded.installs,
     failures = failures + excluded.failures`,
  );
  const reporting = db.prepare(
    `SELECT gateway_id FROM dataport WHERE alias = 'engine_report' AND gateway_id > ? ORDER BY gateway_id LIMIT ?`,
  );

  const read = (gateway: number): Known | undefined => {
    const row = known.get(gateway);
    if (row === undefined) return undefined;
    return {
      productId: int(row, 'product_id'),
      product: text(row, 'product'),
      serial: text(row, 'serial'),
      summary: textOrNull(row, 'summary') ?? '',
      statusPoint: int(row, 'status_point'),
    };
  };
  const reportOf = (gateway: number): Reported => {
    const row = report.get(gateway);
    return reported(row === undefined ? '' : text(row, 'value'));
  };
  const endsSince = (gateway: number, point: number): { ends: InstallEnd[]; point: number } => {
    const row = statusPort.get(gateway);
    const points = row === undefined ? [] : data.history(int(row, 'id'), { since: point, limit: ENDS_MAX });
    return endsIn(points, point);
  };
  const look = (written: Written, note: Note): Digest | undefined => {
    const { gateway, aliases } = written;
    const before = read(gateway);
    if (before === undefined) return undefined;
    const { apps, interval_s } = reportOf(gateway);
    const status = mayHaveEnded(aliases)
      ? endsSince(gateway, before.statusPoint)
      : { ends: [], point: before.statusPoint };
    const summary = summaryOf({ apps, interval_s });
    if (summary !== before.summary || status.point !== before.statusPoint) {
      keep.run(gateway, interval_s ?? null, summary, status.point);
    }
    if (summary !== before.summary) {
      forget.run(gateway);
      for (const [app, version] of Object.entries(apps)) install.run(gateway, app, version);
    }
    if (written.checkIns > 0) note(before.productId, written.time_ms, 'checkIns', written.checkIns);
    for (const end of status.ends) noteEnd(before.productId, end, note);
    return {
      ...written,
      product: before.product,
      serial: before.serial,
      apps,
      interval_s,
      ends: status.ends,
    };
  };

  return {
    digest(written: readonly Written[]): Digest[] {
      const counts = createCounts();
      const digests = written.flatMap((each) => look(each, counts.note) ?? []);
      for (const { time_ms, product, ...n } of counts.all()) {
        count.run(time_ms, product, n.checkIns, n.installs, n.failures);
      }
      return digests;
    },
    undigested: (after: number, limit: number): number[] =>
      reporting.all(after, limit).map((row) => int(row, 'gateway_id')),
  };
}
