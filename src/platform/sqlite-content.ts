/** What is known about the Content Area in SQLite: synchronous functions over prepared statements. */
import type { DatabaseSync } from 'node:sqlite';
import { int, type Row, text } from './sqlite-rows.ts';
import type { Content } from './store.ts';

export type ContentTable = ReturnType<typeof prepareContent>;

export function prepareContent(db: DatabaseSync) {
  const columns = 'c.name, c.type, c.size_bytes, c.sha256, c.meta, c.protected, c.updated_ms';
  const productId = db.prepare('SELECT id FROM product WHERE name = ?');
  const all = db.prepare(`SELECT ${columns} FROM content c WHERE c.product_id = ? ORDER BY c.name`);
  const one = db.prepare(`SELECT ${columns} FROM content c WHERE c.product_id = ? AND c.name = ?`);
  const add = db.prepare(
    `INSERT INTO content (product_id, name, type, size_bytes, sha256, meta, protected, updated_ms)
     VALUES (?, ?, '', 0, '', ?, ?, ?) ON CONFLICT DO NOTHING`,
  );
  const put = db.prepare(
    `INSERT INTO content (product_id, name, type, size_bytes, sha256, meta, protected, updated_ms)
     VALUES (?, ?, ?, ?, ?, '', 0, ?) ON CONFLICT (product_id, name) DO UPDATE SET type = excluded.type,
     size_bytes = excluded.size_bytes, sha256 = excluded.sha256, updated_ms = excluded.updated_ms`,
  );
  const setMeta = db.prepare('UPDATE content SET meta = ? WHERE product_id = ? AND name = ?');
  const remove = db.prepare('DELETE FROM content WHERE product_id = ? AND name = ?');
  const digests = db.prepare("SELECT DISTINCT sha256 FROM content WHERE sha256 <> ''");
  const isUsed = db.prepare('SELECT 1 FROM content WHERE sha256 = ? LIMIT 1');
  const idOf = (product: string) => {
    const row = productId.get(product);
    return row === undefined ? undefined : int(row, 'id');
  };
  return {
    contents(product: string): Content[] | undefined {
      const id = idOf(product);
      return id === undefined ? undefined : all.all(id).map(readContent);
    },
    content(product: string, name: string): Content | undefined {
      const row = one.get(idOf(product) ?? 0, name);
      return row === undefined ? undefined : readContent(row);
    },
    addContent(product: string, content: { name: string; meta: string; protected: boolean; now_ms: number }) {
      const id = idOf(product);
      if (id === undefined) return 'unknown' as const;
      const { changes } = add.run(id, content.name, content.meta, content.protected ? 1 : 0, content.now_ms);
      return changes === 0 ? ('exists' as const) : ('added' as const);
    },
    putContent(
      product: string,
      content: { name: string; type: string; size_bytes: number; sha256: string; now_ms: number },
    ): { previous: string | undefined } | undefined {
      const id = idOf(product);
      if (id === undefined) return undefined;
      const row = one.get(id, content.name);
      put.run(id, content.name, content.type, content.size_bytes, content.sha256, content.now_ms);
      return { previous: row === undefined ? undefined : text(row, 'sha256') };
    },
    setMeta: (product: string, name: string, meta: string) =>
      setMeta.run(meta, idOf(product) ?? 0, name).changes > 0,
    removeContent: (product: string, name: string) => remove.run(idOf(product) ?? 0, name).changes > 0,
    digests: () => new Set(digests.all().map((row) => text(row, 'sha256'))),
    digestIsUsed: (sha256: string) => isUsed.get(sha256) !== undefined,
  };
}

export function readContent(row: Row): Content {
  return {
    name: text(row, 'name'),
    type: text(row, 'type'),
    size_bytes: int(row, 'size_bytes'),
    sha256: text(row, 'sha256'),
    meta: text(row, 'meta'),
    protected: int(row, 'protected') === 1,
    updated_ms: int(row, 'updated_ms'),
  };
}
