/** The store on a real PostgreSQL: the contract, and what happens when the server dies. */
import { after, before, type TestContext } from 'node:test';
import { createLog } from '../../src/host/log.ts';
import { openPostgresStore } from '../../src/platform/postgres-store.ts';
import type { Store } from '../../src/platform/store.ts';
import { clockAt } from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';
import { callContract, historyContract, NOW_MS } from './store-contract.ts';

let server: RealPostgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

const open = (_: TestContext): Promise<Store> =>
  openPostgresStore(server.database(), clockAt(NOW_MS), createLog('CRITICAL'));
historyContract('PostgreSQL', open);
callContract('PostgreSQL', open);
