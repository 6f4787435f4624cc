/**
 * The SQLite file: how it is opened, its tables, and how an older file becomes a current one. `PRAGMA user_version` is
 * the number of migrations that a file has seen; a newer file than this program knows is refused, not damaged.
 *
 * A dataport row is small and points to its newest value; the values themselves are appended to `point`, which is its
 * history too (sqlite-past.ts), so each is written once, and those of many gateways side by side. A point without value has the same
 * text as the one before it: reports that did not change cost a few bytes.
 */
import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { GweError } from '../errors.ts';
import { PRIVATE_FILE_MODE } from '../host/files.ts';
import { FLEET_TABLES } from './sqlite-fleet-schema.ts';
import { PAST_TABLES } from './sqlite-past.ts';
import { ROLLOUT_TABLES } from './sqlite-rollouts.ts';

/** Its name in the data folder. */
export const DATABASE = 'platform.db';

const PRAGMAS = `
  PRAGMA page_size = 8192;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA cache_size = -16384;
  PRAGMA temp_store = MEMORY;
  PRAGMA busy_timeout = 5000;
  PRAGMA foreign_keys = ON;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 67108864;
`;

/** Each entry brings a file one version forward. Entries are only ever appended. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE product (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, rid TEXT NOT NULL, template TEXT NOT NULL,
    created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE product_alias (
    product_id INTEGER NOT NULL REFERENCES product ON DELETE CASCADE, alias TEXT NOT NULL,
    PRIMARY KEY (product_id, alias)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE gateway (
    id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES product ON DELETE CASCADE, serial TEXT NOT NULL,
    rid TEXT NOT NULL UNIQUE, key TEXT UNIQUE, state TEXT NOT NULL, enabled_until_ms INTEGER, extra TEXT NOT NULL,
    created_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL DEFAULT 0, UNIQUE (product_id, serial)
  ) STRICT;
  CREATE INDEX gateway_serial ON gateway (serial);
  CREATE TABLE dataport (
    id INTEGER PRIMARY KEY, gateway_id INTEGER NOT NULL REFERENCES gateway ON DELETE CASCADE, alias TEXT NOT NULL,
    time_ms INTEGER NOT NULL DEFAULT 0, point_id INTEGER NOT NULL DEFAULT 0, value_id INTEGER NOT NULL DEFAULT 0,
    last_id INTEGER NOT NULL DEFAULT 0, kept INTEGER NOT NULL DEFAULT 0, UNIQUE (gateway_id, alias)
  ) STRICT;
  CREATE TABLE point (
    id INTEGER PRIMARY KEY AUTOINCREMENT, dataport_id INTEGER NOT NULL, time_ms INTEGER NOT NULL, value TEXT
  ) STRICT;
  CREATE INDEX point_of_dataport ON point (dataport_id, id);
  CREATE TRIGGER dataport_gone AFTER DELETE ON dataport BEGIN
    DELETE FROM point WHERE dataport_id = old.id;
  END;
  CREATE TABLE activation (
    id INTEGER PRIMARY KEY, gateway_id INTEGER NOT NULL REFERENCES gateway ON DELETE CASCADE,
    time_ms INTEGER NOT NULL, connection TEXT NOT NULL, entry TEXT NOT NULL
  ) STRICT;
  CREATE INDEX activation_of_gateway ON activation (gateway_id, id);
  CREATE TABLE content (
    id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES product ON DELETE CASCADE, name TEXT NOT NULL,
    type TEXT NOT NULL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, meta TEXT NOT NULL,
    protected INTEGER NOT NULL, updated_ms INTEGER NOT NULL, UNIQUE (product_id, name)
  ) STRICT;
  CREATE INDEX content_digest ON content (sha256);
  CREATE TABLE token (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, hash TEXT NOT NULL UNIQUE, role TEXT NOT NULL,
    created_ms INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE serial_range (
    product_id INTEGER NOT NULL REFERENCES product ON DELETE CASCADE, range TEXT NOT NULL,
    PRIMARY KEY (product_id, range)
  ) STRICT, WITHOUT ROWID;
  `,
  FLEET_TABLES,
  ROLLOUT_TABLES,
  PAST_TABLES,
];

/** Opens (or makes) the file and brings it forward. Raises `layout` for a file of a newer gwe, `io` for what is no database. */
export function openDatabase(file: string, options: { isRelaxed?: boolean } = {}): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    // The write-ahead log, where it is made, takes the same mode.
    chmodSync(file, PRIVATE_FILE_MODE);
    db.exec(PRAGMAS);
    if (options.isRelaxed) db.exec('PRAGMA synchronous = NORMAL');
    migrate(db, file);
    return db;
  } catch (error) {
    db.close();
    if (error instanceof GweError) throw error;
    throw new GweError('io', `Cannot open ${file}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
      hint: 'Is another platform running on this folder? Else restore the folder from a backup.',
    });
  }
}

/** A connection that only reads, to a file that is open already. */
export function openReader(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true });
  db.exec('PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 5000;');
  return db;
}

/** The digests of all content that a copy of the database names. */
export function digestsIn(file: string): string[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = db.prepare("SELECT DISTINCT sha256 FROM content WHERE sha256 <> '' ORDER BY sha256").all();
    return rows.map((row) => String(row['sha256']));
  } finally {
    db.close();
  }
}

/** Reads a copy of the database through. Raises `check` when it is damaged, `layout` when a newer gwe wrote it. */
export function checkDatabase(file: string): void {
  const db = new DatabaseSync(file);
  try {
    const state = db.prepare('PRAGMA integrity_check').get()?.['integrity_check'];
    if (state !== 'ok') throw new GweError('check', `Cannot use ${file}: ${state}`);
    layoutOf(db, file);
  } finally {
    db.close();
  }
}

/** How many migrations the file has seen. Raises `layout` when they are more than this gwe knows. */
function layoutOf(db: DatabaseSync, file: string): number {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > MIGRATIONS.length) {
    throw new GweError(
      'layout',
      `Cannot use ${file}: its layout ${version} is newer than ${MIGRATIONS.length}`,
      {
        hint: 'It was written by a newer gwe: run that one.',
      },
    );
  }
  return version;
}

function migrate(db: DatabaseSync, file: string): void {
  const version = layoutOf(db, file);
  MIGRATIONS.slice(version).forEach((steps, index) => {
    db.exec(`BEGIN IMMEDIATE; ${steps} PRAGMA user_version = ${version + index + 1}; COMMIT;`);
  });
}
