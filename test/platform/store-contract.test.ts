/** The store's contract, held by each engine that there is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore } from '../../src/platform/sqlite-store.ts';
import { clockAt } from './raw.ts';
import { keepsTheContract, NOW_MS, type OpenStore } from './store-contract.ts';
import { keepsTheFleetContract } from './store-contract-fleet.ts';

const openSqlite: OpenStore = async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-contract-'));
  const store = openSqliteStore(join(folder, 'platform.db'), clockAt(NOW_MS));
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return store;
};

keepsTheContract('SQLite', openSqlite);
keepsTheFleetContract('SQLite', openSqlite);
