-- The first layout of the platform's database, with a little of everything in it. Never to be changed: files like it are in use.
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
INSERT INTO product VALUES (1, 'P', 'rid-p', 'rid=x', 1700000000000);
INSERT INTO product_alias VALUES (1, 'own');
INSERT INTO gateway VALUES (1, 1, 'S1', 'rid-1', '9692e67b8378a6f6753f97782d458aa757e947eab2fbdf6b5c187b74561eb78f', 'activated', NULL, '', 1700000000000, 1700000005000);
INSERT INTO gateway VALUES (2, 1, 'S2', 'rid-2', NULL, 'unused', NULL, 'note', 1700000000000, 0);
INSERT INTO dataport VALUES (1, 1, 'device_info', 1700000002000, 3, 1, 3, 3);
INSERT INTO point VALUES (1, 1, 1700000000000, 'same'), (2, 1, 1700000001000, NULL), (3, 1, 1700000002000, NULL);
INSERT INTO dataport VALUES (2, 1, 'engine_report', 1700000002000, 4, 4, 4, 1);
INSERT INTO point VALUES (4, 2, 1700000002000, '{"apps":[]}');
INSERT INTO activation VALUES (1, 1, 1700000000000, '127.0.0.1', 'activated');
INSERT INTO content VALUES (1, 1, 'app.v1.tar.gz', 'application/gzip', 5, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'meta', 0, 1700000000000);
INSERT INTO token VALUES (1, 'first', 'fa97924f07882547f5baea891f77cb5bada1b2256c35a5e5b23d13423e4624ea', 'admin', 1700000000000);
PRAGMA user_version = 1;
