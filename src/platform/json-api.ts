/** The JSON API on products, and what others need of them. */
import { GweError } from '../errors.ts';
import { maySee } from './access.ts';
import { type Answer, empty, json } from './answer.ts';
import type { OperatorCall } from './context.ts';
import { jsonBody, textIn } from './json-body.ts';
import { isName, isProductName } from './names.ts';
import { sweepContent } from './operator-content.ts';
import type { Content, Product } from './store.ts';
import { newSecret } from './tokens.ts';

/** `GET /api/v1/products`: those that the token is for. */
export async function listProducts({ platform, operator }: OperatorCall): Promise<Answer> {
  const products = (await platform.store.products()).filter(({ name }) => maySee(operator, name));
  return json(200, { products: products.map(productJson) });
}

/** `POST /api/v1/products` with `{"id"}`. */
export async function createProduct(call: OperatorCall): Promise<Answer> {
  const id = textIn(await jsonBody(call.request), 'id');
  if (!isProductName(id))
    throw new GweError('malformed', `Cannot create product ${JSON.stringify(id)}: no usable name`);
  const { store, clock } = call.platform;
  const end = await store.addProduct({ name: id, rid: newSecret(), template: '', now_ms: clock.now() });
  if (end === 'exists') throw new GweError('conflict', `Cannot create product ${id}: it exists already`);
  call.note.product = id;
  return json(201, productJson(await productOf(call, id)));
}

/** `DELETE /api/v1/products/P`: with its gateways and content. */
export async function removeProduct(call: OperatorCall): Promise<Answer> {
  const product = call.params['product'] ?? '';
  const contents = await contentsOf(call, product);
  await call.platform.store.removeProduct(product);
  await sweepContent(call.platform, contents);
  return empty(204);
}

/** `PUT /api/v1/products/P/dataports/ALIAS`: makes an alias known to all gateways of the product. */
export async function addProductAlias(call: OperatorCall): Promise<Answer> {
  const { product = '', alias = '' } = call.params;
  if (!isName(alias))
    throw new GweError('malformed', `Cannot make dataport ${JSON.stringify(alias)}: no usable name`);
  if (!(await call.platform.store.addProductAlias(product, alias))) throw noProduct(product);
  return json(200, { alias });
}

/** Everything in the Content Area of a product. Raises `not-found`. */
export async function contentsOf({ platform }: OperatorCall, product: string): Promise<Content[]> {
  const contents = await platform.store.contents(product);
  if (contents === undefined) throw noProduct(product);
  return contents;
}

/** A product. Raises `not-found`. */
export async function productOf({ platform }: OperatorCall, id: string): Promise<Product> {
  const product = await platform.store.product(id);
  if (product === undefined) throw noProduct(id);
  return product;
}

/** The error for a product that isn't there. */
export function noProduct(id: string): GweError {
  return new GweError('not-found', `Cannot find product ${id}: there is none of that name`, {
    hint: 'List them with "gwe product list", make one with "gwe product create ID".',
  });
}

function productJson({ name, created_ms, gateways }: Product) {
  return { id: name, created: created_ms, gateways };
}
