/** Products, their ranges of serial numbers and their content in PostgreSQL. */
import type { Database, Session } from './postgres-client.ts';
import { readContent } from './sqlite-content.ts';
import { int, type Row, text } from './sqlite-rows.ts';
import type { Content, Product, Store } from './store.ts';

type ProductStore = Pick<
  Store,
  | 'products'
  | 'product'
  | 'productOfHost'
  | 'addProduct'
  | 'setTemplate'
  | 'removeProduct'
  | 'addProductAlias'
  | 'ranges'
  | 'addRanges'
  | 'removeRanges'
>;
type ContentTable = Pick<
  Store,
  | 'contents'
  | 'content'
  | 'addContent'
  | 'putContent'
  | 'setMeta'
  | 'removeContent'
  | 'digests'
  | 'digestIsUsed'
>;

const PRODUCTS = `SELECT name, rid, template, created_ms,
  (SELECT count(*) FROM gateway g WHERE g.product_id = product.id) AS gateways FROM product`;
const CONTENT = `SELECT c.name, c.type, c.size_bytes, c.sha256, c.meta, c.protected, c.updated_ms
  FROM content c JOIN product p ON p.id = c.product_id WHERE p.name = ?`;

/** The id of a product, `undefined` when there is none. */
export async function productId(db: Session, name: string): Promise<number | undefined> {
  const row = await db.get('SELECT id FROM product WHERE name = ?', [name]);
  return row === undefined ? undefined : int(row, 'id');
}

function readProduct(row: Row): Product {
  return {
    name: text(row, 'name'),
    rid: text(row, 'rid'),
    template: text(row, 'template'),
    created_ms: int(row, 'created_ms'),
    gateways: int(row, 'gateways'),
  };
}

export function openProducts(db: Database): ProductStore {
  const changeRanges = (product: string, ranges: readonly string[], sql: string) =>
    db.transaction(async (session) => {
      const id = await productId(session, product);
      if (id === undefined) return false;
      await session.run(sql, { id, ranges });
      return true;
    });
  return {
    products: async () => (await db.all(`${PRODUCTS} ORDER BY name`)).map(readProduct),
    async product(name) {
      const row = await db.get(`${PRODUCTS} WHERE name = ?`, [name]);
      return row === undefined ? undefined : readProduct(row);
    },
    async productOfHost(label) {
      const row = await db.get(
        'SELECT name FROM product WHERE lower(name) = lower(?) ORDER BY name LIMIT 1',
        [label],
      );
      return row === undefined ? undefined : text(row, 'name');
    },
    async addProduct({ name, rid, template, now_ms }) {
      const sql =
        'INSERT INTO product (name, rid, template, created_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING';
      return (await db.run(sql, [name, rid, template, now_ms])) === 0 ? 'exists' : 'added';
    },
    setTemplate: async (name, form) =>
      (await db.run('UPDATE product SET template = ? WHERE name = ?', [form, name])) > 0,
    removeProduct: async (name) => (await db.run('DELETE FROM product WHERE name = ?', [name])) > 0,
    addProductAlias: async (product, alias) =>
      (await db.run(
        `INSERT INTO product_alias (product_id, alias) SELECT id, ? FROM product WHERE name = ?
         ON CONFLICT (product_id, alias) DO UPDATE SET alias = excluded.alias`,
        [alias, product],
      )) > 0,
    async ranges(product) {
      const id = await productId(db, product);
      if (id === undefined) return undefined;
      const rows = await db.all('SELECT range FROM serial_range WHERE product_id = ? ORDER BY range', [id]);
      return rows.map((row) => text(row, 'range'));
    },
    addRanges: (product, ranges) =>
      changeRanges(
        product,
        ranges,
        `INSERT INTO serial_range (product_id, range) SELECT :id::bigint, unnest(:ranges::text[]) ON CONFLICT DO NOTHING`,
      ),
    removeRanges: (product, ranges) =>
      changeRanges(
        product,
        ranges,
        'DELETE FROM serial_range WHERE product_id = :id AND range = ANY(:ranges::text[])',
      ),
  };
}

export function openContentTable(db: Database): ContentTable {
  return {
    async contents(product) {
      if ((await productId(db, product)) === undefined) return undefined;
      return (await db.all(`${CONTENT} ORDER BY c.name`, [product])).map(readContent);
    },
    async content(product, name): Promise<Content | undefined> {
      const row = await db.get(`${CONTENT} AND c.name = ?`, [product, name]);
      return row === undefined ? undefined : readContent(row);
    },
    addContent: (product, content) =>
      db.transaction(async (session) => {
        const id = await productId(session, product);
        if (id === undefined) return 'unknown';
        const changes = await session.run(
          `INSERT INTO content (product_id, name, type, size_bytes, sha256, meta, protected, updated_ms)
           VALUES (?, ?, '', 0, '', ?, ?, ?) ON CONFLICT DO NOTHING`,
          [id, content.name, content.meta, content.protected ? 1 : 0, content.now_ms],
        );
        return changes === 0 ? 'exists' : 'added';
      }),
    putContent: (product, content) =>
      db.transaction(async (session) => {
        // Of two uploads at once each must learn what it takes the place of.
        await session.run('SELECT id FROM product WHERE name = ? FOR NO KEY UPDATE', [product]);
        const id = await productId(session, product);
        if (id === undefined) return undefined;
        const { name, type, size_bytes, sha256, now_ms } = content;
        const row = await session.get('SELECT sha256 FROM content WHERE product_id = ? AND name = ?', [
          id,
          name,
        ]);
        await session.run(
          `INSERT INTO content (product_id, name, type, size_bytes, sha256, meta, protected, updated_ms)
           VALUES (?, ?, ?, ?, ?, '', 0, ?) ON CONFLICT (product_id, name) DO UPDATE SET type = excluded.type,
           size_bytes = excluded.size_bytes, sha256 = excluded.sha256, updated_ms = excluded.updated_ms`,
          [id, name, type, size_bytes, sha256, now_ms],
        );
        return { previous: row === undefined ? undefined : text(row, 'sha256') };
      }),
    setMeta: async (product, name, meta) =>
      (await db.run(
        'UPDATE content c SET meta = ? FROM product p WHERE p.id = c.product_id AND p.name = ? AND c.name = ?',
        [meta, product, name],
      )) > 0,
    removeContent: async (product, name) =>
      (await db.run(
        'DELETE FROM content c USING product p WHERE p.id = c.product_id AND p.name = ? AND c.name = ?',
        [product, name],
      )) > 0,
    async digests() {
      const rows = await db.all("SELECT DISTINCT sha256 FROM content WHERE sha256 <> ''");
      return new Set(rows.map((row) => text(row, 'sha256')));
    },
    digestIsUsed: async (sha256) =>
      (await db.get('SELECT 1 AS used FROM content WHERE sha256 = ? LIMIT 1', [sha256])) !== undefined,
  };
}
