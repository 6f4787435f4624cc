/**
 * What the fleet page asks of a platform with a million gateways in PostgreSQL: each question by itself, over HTTP.
 *
 *     node test/bench/million.ts [GATEWAYS]
 *
 * It starts a PostgreSQL of its own, fills it by SQL through the real schema, starts a platform in this process, and prints a table in
 * Markdown; docs/scale.md says what it means.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { startPlatform } from '../../src/platform/platform.ts';
import { openPool } from '../../src/platform/postgres-client.ts';
import { migrateDatabase } from '../../src/platform/postgres-schema.ts';
import { startPostgres } from '../platform/real-postgres.ts';

const GATEWAYS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = 5;
const TOKEN = 'a-token-for-the-benches-of-the-platform';
const WEEK_MS = 604_800_000;

const report = `'{"apps":[{"name":"app","version":"' || (n % 4) || '"},{"name":"net","version":"' || (n % 2) || '"}],"update_interval":43200}'`;
const summary = `'{"apps":{"app":"' || (n % 4) || '","net":"' || (n % 2) || '"},"interval_s":' || CASE n % 10 WHEN 0 THEN 60 ELSE 43200 END || '}'`;
const all = `generate_series(1, ${GATEWAYS}) n`;

/** A fleet of one large product and one small one: most seen within the day, some late, lost, never seen; two applications each; some tags. */
const FILL = [
  `INSERT INTO product (id, name, rid, template, created_ms) VALUES (1, 'Large', 'r1', '', 1), (2, 'Small', 'r2', '', 1)`,
  `INSERT INTO gateway (id, product_id, serial, rid, key, state, extra, created_ms, last_seen_ms)
   SELECT n, CASE WHEN n % 100 = 7 THEN 2 ELSE 1 END, 'SN' || lpad(((n * 7919::bigint) % 10000019)::text, 8, '0') || '-' || n, md5(n::text),
     encode(sha256(n::text::bytea), 'hex'), 'activated', '', 1700000000000 + n,
     CASE WHEN n % 50 = 0 THEN 0 ELSE (:now)::bigint - (power((n * 104729::bigint) % 1000003 / 1000003.0, 4) * ${WEEK_MS})::bigint END FROM ${all}`,
  `INSERT INTO dataport (id, gateway_id, alias, time_ms, point_id, value, last_id, text_day)
   SELECT n, n, 'engine_report', 1, n, ${report}, n, 0 FROM ${all} WHERE n % 50 <> 0`,
  `INSERT INTO fleet (gateway_id, interval_s, summary) SELECT n, CASE n % 10 WHEN 0 THEN 60 ELSE 43200 END, ${summary} FROM ${all} WHERE n % 50 <> 0`,
  `INSERT INTO installed (gateway_id, app, version) SELECT n, a, CASE a WHEN 'app' THEN n % 4 ELSE n % 2 END || CASE WHEN n % 5000 = 1 THEN '-rare' ELSE '' END
   FROM ${all}, unnest(ARRAY['app', 'net']) a WHERE n % 50 <> 0`,
  `INSERT INTO tag (gateway_id, tag) SELECT n, CASE WHEN n % 1000 = 3 THEN 'few' ELSE 'many' END FROM ${all} WHERE n % 5 = 3`,
  `INSERT INTO gateway_group (id, product_id, name, meta, criteria, created_ms)
   VALUES (1, 1, 'listed', '', NULL, 1), (2, 1, 'fitting', '', '{"tags":["many"]}', 1)`,
  `INSERT INTO group_member (group_id, gateway_id) SELECT 1, n FROM ${all} WHERE n % 500 = 1`,
  `INSERT INTO hour (time_ms, product_id, check_ins) SELECT ((:now)::bigint / 3600000 - h) * 3600000, 1, 1000 FROM generate_series(0, 700) h`,
  `SELECT setval('point_id', ${GATEWAYS} + 1), setval(pg_get_serial_sequence('gateway', 'id'), ${GATEWAYS} + 1),
     setval(pg_get_serial_sequence('product', 'id'), 2), setval(pg_get_serial_sequence('gateway_group', 'id'), 2)`,
];

const G = '/api/v1/gateways?limit=100';

/** What the page asks, and what it means there. */
const QUESTIONS: ReadonlyArray<readonly [what: string, path: string]> = [
  ['the first page', G],
  ['sorted by serial number', `${G}&sort=serial`],
  ['sorted by serial number, from the end', `${G}&sort=-serial`],
  ['those that were seen last', `${G}&sort=-lastSeen`],
  ['those that were not seen for longest', `${G}&sort=lastSeen`],
  ['one product', `${G}&product=Large&sort=serial`],
  ['a small product', `${G}&product=Small&sort=serial`],
  ['lost', `${G}&state=lost&sort=serial`],
  ['late or lost', `${G}&state=late,lost`],
  ['on time', `${G}&state=on-time`],
  ['one version of an application', `${G}&application=app@1`],
  ['a rare version', `${G}&application=app@1-rare`],
  ['a tag of many', `${G}&tag=many`],
  ['a tag of few', `${G}&tag=few`],
  ['a group that is listed', `${G}&product=Large&group=listed`],
  ['a group by criteria', `${G}&product=Large&group=fitting`],
  ['serial number begins with', `${G}&serialPrefix=SN00077`],
  ['serial number contains', `${G}&serialContains=7777`],
  ['products', '/api/v1/products'],
  ['groups', '/api/v1/groups'],
  ['overview', '/api/v1/overview'],
  ['overview of one product', '/api/v1/overview?product=Large'],
];

const server = await startPostgres({ isDurable: false });
const folder = mkdtempSync(join(tmpdir(), 'gwe-million-'));
const store = server.database();
try {
  const began_ms = performance.now();
  await fill();
  console.log(`${GATEWAYS} gateways in ${Math.round((performance.now() - began_ms) / 1000)} s\n`);
  await measure();
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function fill(): Promise<void> {
  const db = openPool(store, () => {});
  await db.transaction((session) => migrateDatabase(session));
  const run = (sql: string) =>
    db.transaction(async (session) => {
      await session.run("SELECT set_config('statement_timeout', '0', true)");
      await session.run(sql, { now: Date.now() });
    });
  const [products = '', gateways = '', ...others] = FILL;
  await run(products);
  await run(gateways);
  await Promise.all(others.map(run));
  await db.script('VACUUM ANALYZE');
  await db.close();
}

async function measure(): Promise<void> {
  const log = createLog('ERROR');
  const options = {
    dataFolder: folder,
    host: '127.0.0.1',
    port: 0,
    vendor: 'gwe',
    presetToken: TOKEN,
    store,
  };
  const platform = await startPlatform({ ...options, log, clock: systemClock });
  const ask = async (path: string) => {
    const began_ms = performance.now();
    const answer = await fetch(`${platform.url}${path}`, { headers: { 'X-Exosite-Token': TOKEN } });
    const body = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${body}`);
    return { took_ms: performance.now() - began_ms, body: JSON.parse(body) };
  };
  console.log('| | first ms | median ms | gateways |\n| --- | --- | --- | --- |');
  const row = async (what: string, path: string) => {
    const first = await ask(path);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) times.push((await ask(path)).took_ms);
    times.sort((a, b) => a - b);
    const median = times[Math.floor(ROUNDS / 2)] ?? 0;
    console.log(
      `| ${what} | ${first.took_ms.toFixed(0)} | ${median.toFixed(0)} | ${first.body.total ?? ''} |`,
    );
    return first.body;
  };
  for (const [what, path] of QUESTIONS) {
    const body = await row(what, path);
    if (path === `${G}&sort=serial`) await row('the page after it', `${path}&after=${body.next}`);
    if (path !== G) continue;
    const { serial } = body.gateways[0];
    await row('one gateway', `/api/v1/gateways/Large/${serial}`);
    await row('its dataports', `/api/v1/gateways/Large/${serial}/dataports`);
  }
  await platform.close();
}
