/** The tables of the fleet as a whole and of its operators: one step of the migrations in sqlite-schema.ts. */

/**
 * `fleet` and `installed` are what the newest engine_report says, taken out of it so that it can be searched; `summary` is
 * the same as one text, so that a report which says nothing new costs no write. `hour` and `version_hour` are counts.
 */
export const FLEET_TABLES = `
  CREATE TABLE fleet (
    gateway_id INTEGER PRIMARY KEY REFERENCES gateway ON DELETE CASCADE, interval_s INTEGER, summary TEXT NOT NULL,
    status_point INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE installed (
    gateway_id INTEGER NOT NULL REFERENCES gateway ON DELETE CASCADE, app TEXT NOT NULL, version TEXT NOT NULL,
    PRIMARY KEY (gateway_id, app)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX installed_version ON installed (app, version);
  CREATE TABLE tag (
    gateway_id INTEGER NOT NULL REFERENCES gateway ON DELETE CASCADE, tag TEXT NOT NULL,
    PRIMARY KEY (gateway_id, tag)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tag_name ON tag (tag);
  CREATE TABLE gateway_group (
    id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES product ON DELETE CASCADE, name TEXT NOT NULL,
    meta TEXT NOT NULL, criteria TEXT, created_ms INTEGER NOT NULL, UNIQUE (product_id, name)
  ) STRICT;
  CREATE TABLE group_member (
    group_id INTEGER NOT NULL REFERENCES gateway_group ON DELETE CASCADE,
    gateway_id INTEGER NOT NULL REFERENCES gateway ON DELETE CASCADE, PRIMARY KEY (group_id, gateway_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX group_of_member ON group_member (gateway_id);
  CREATE TABLE hour (
    time_ms INTEGER NOT NULL, product_id INTEGER NOT NULL REFERENCES product ON DELETE CASCADE,
    check_ins INTEGER NOT NULL DEFAULT 0, installs INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (time_ms, product_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE version_hour (
    time_ms INTEGER NOT NULL, product_id INTEGER NOT NULL REFERENCES product ON DELETE CASCADE, app TEXT NOT NULL,
    version TEXT NOT NULL, gateways INTEGER NOT NULL, PRIMARY KEY (time_ms, product_id, app, version)
  ) STRICT, WITHOUT ROWID;
  ALTER TABLE token ADD COLUMN products TEXT;
  ALTER TABLE token ADD COLUMN expires_ms INTEGER;
  ALTER TABLE token ADD COLUMN used_ms INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, who TEXT NOT NULL, role TEXT NOT NULL, address TEXT NOT NULL,
    action TEXT NOT NULL, status INTEGER NOT NULL, product TEXT, details TEXT NOT NULL, previous TEXT NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;
`;
