/** Whether the disk of PostgreSQL has room. Once it said that it is full, a write that takes room is tried until it goes well: reads do not tell. */
import { explain } from '../errors.ts';
import type { Log } from '../host/log.ts';
import type { Database, Session } from './postgres-client.ts';
import { databaseError } from './postgres-errors.ts';

/** Pages that a table has to grow by, of 8 KiB; it is gone with the transaction. */
const PROBE = `CREATE TEMPORARY TABLE gwe_room ON COMMIT DROP AS
  SELECT repeat(md5(n::text), 240) AS filler FROM generate_series(1, 32) n`;

export interface Room {
  /** What the server said, until there is room again. */
  trouble(): string | undefined;
  /** To be called now and then. */
  look(): Promise<void>;
}

export function watchRoom(db: Database, log: Log): Room {
  let trouble: string | undefined;
  db.onFull((error) => {
    if (trouble === undefined) log.error(explain(databaseError(error)));
    trouble = error.message;
  });
  return {
    trouble: () => trouble,
    async look() {
      if (trouble === undefined) return;
      const hasRoom = await db.transaction(grow).then(
        () => true,
        () => false,
      );
      if (!hasRoom) return;
      trouble = undefined;
      log.info('PostgreSQL: its disk has room again');
    },
  };
}

const grow = (session: Session): Promise<number> => session.run(PROBE);
