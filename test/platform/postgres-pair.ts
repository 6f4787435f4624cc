/** Two real PostgreSQL servers, one of which stands by synchronously for the other, behind one address. */
import { join } from 'node:path';
import { eventually } from '../e2e/machine.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';
import { startRelay } from './relay.ts';

export interface PostgresPair {
  /** Of a database that is made anew, by the one address. */
  database(): string;
  /** Makes a standby for the server that writes now; resolves when each commit waits for it. */
  standBy(): Promise<void>;
  /** kill -9 of the server that writes; then its standby takes over. Connections are cut off, or nobody ever hears of them again. */
  failOver(connections: 'cut' | 'silent'): Promise<void>;
  /** Kills the one that stands by. */
  loseStandby(): Promise<void>;
  /** The address leads to the server that stands by, which is told to take over only by `promote`. */
  leadToStandby(): void;
  promote(): void;
  /** Whether it has all that was written. */
  isCaughtUp(): boolean;
  stop(): Promise<void>;
}

const socketOf = ({ folder }: RealPostgres) => join(folder, '.s.PGSQL.5432');

export async function startPair(): Promise<PostgresPair> {
  let primary = await startPostgres();
  let standby: RealPostgres | undefined;
  const relay = await startRelay(socketOf(primary));
  const servers = [primary];
  const isInSync = () => primary.ask('SELECT sync_state FROM pg_stat_replication') === 'sync';
  return {
    database: () => `${primary.database({ host: '127.0.0.1' })}&port=${relay.port}`,
    async standBy() {
      standby = await startPostgres({ isDurable: true, standbyOf: primary });
      servers.push(standby);
      primary.ask("ALTER SYSTEM SET synchronous_standby_names = '*'");
      primary.ask('SELECT pg_reload_conf()');
      await eventually('the standby to be in sync', isInSync);
    },
    async failOver(connections) {
      if (standby === undefined) throw new Error('nobody stands by');
      relay.lead(undefined, connections);
      await primary.kill();
      standby.ask('SELECT pg_promote()');
      primary = standby;
      standby = undefined;
      relay.lead(socketOf(primary), connections);
    },
    loseStandby: async () => standby?.kill(),
    leadToStandby: () => relay.lead(standby === undefined ? undefined : socketOf(standby), 'cut'),
    promote: () => void standby?.ask('SELECT pg_promote()'),
    isCaughtUp: () =>
      primary.ask('SELECT bool_and(replay_lsn = pg_current_wal_lsn()) FROM pg_stat_replication') === 't',
    async stop() {
      await relay.stop();
      for (const server of servers) await server.stop();
    },
  };
}
