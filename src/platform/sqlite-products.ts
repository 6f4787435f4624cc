/** Products and their ranges of serial numbers in SQLite: synchronous functions over prepared statements. */
import type { DatabaseSync } from 'node:sqlite';
import { int, type Row, text } from './sqlite-rows.ts';
import type { Product } from './store.ts';

/** Prepares the statements on products. */
export function prepareProducts(db: DatabaseSync) {
  const columns = `name, rid, template, created_ms,
    (SELECT count(*) FROM gateway g WHERE g.product_id = product.id) AS gateways`;
  const all = db.prepare(`SELECT ${columns} FROM product ORDER BY name`);
  const one = db.prepare(`SELECT ${columns} FROM product WHERE name = ?`);
  const ofHost = db.prepare('SELECT name FROM product WHERE name = ? COLLATE NOCASE ORDER BY name LIMIT 1');
  const add = db.prepare(
    'INSERT INTO product (name, rid, template, created_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const template = db.prepare('UPDATE product SET template = ? WHERE name = ?');
  const remove = db.prepare('DELETE FROM product WHERE name = ?');
  const addAlias = db.prepare(
    `INSERT INTO product_alias (product_id, alias) SELECT id, ? FROM product WHERE name = ?
     ON CONFLICT DO UPDATE SET alias = excluded.alias`,
  );
  const readProduct = (row: Row): Product => ({
    name: text(row, 'name'),
    rid: text(row, 'rid'),
    template: text(row, 'template'),
    created_ms: int(row, 'created_ms'),
    gateways: int(row, 'gateways'),
  });
  return {
    products: () => all.all().map(readProduct),
    product(name: string): Product | undefined {
      const row = one.get(name);
      return row === undefined ? undefined : readProduct(row);
    },
    productOfHost(label: string): string | undefined {
      const row = ofHost.get(label);
      return row === undefined ? undefined : text(row, 'name');
    },
    addProduct: (product: { name: string; rid: string; template: string; now_ms: number }) =>
      add.run(product.name, product.rid, product.template, product.now_ms).changes === 0
        ? ('exists' as const)
        : ('added' as const),
    setTemplate: (name: string, form: string) => template.run(form, name).changes > 0,
    removeProduct: (name: string) => remove.run(name).changes > 0,
    addProductAlias: (product: string, alias: string) => addAlias.run(alias, product).changes > 0,
  };
}

/** Prepares the statements on ranges of serial numbers. */
export function prepareRanges(db: DatabaseSync) {
  const productId = db.prepare('SELECT id FROM product WHERE name = ?');
  const all = db.prepare('SELECT range FROM serial_range WHERE product_id = ? ORDER BY range');
  const add = db.prepare('INSERT INTO serial_range (product_id, range) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const remove = db.prepare('DELETE FROM serial_range WHERE product_id = ? AND range = ?');
  const each = (product: string, ranges: readonly string[], change: (id: number, range: string) => void) => {
    const row = productId.get(product);
    if (row === undefined) return false;
    for (const range of ranges) change(int(row, 'id'), range);
    return true;
  };
  return {
    ranges(product: string): string[] | undefined {
      const row = productId.get(product);
      return row === undefined ? undefined : all.all(int(row, 'id')).map((found) => text(found, 'range'));
    },
    addRanges: (product: string, ranges: readonly string[]) =>
      each(product, ranges, (id, range) => add.run(id, range)),
    removeRanges: (product: string, ranges: readonly string[]) =>
      each(product, ranges, (id, range) => remove.run(id, range)),
  };
}
