/** The JSON API on products and their content, and what it shares: reading JSON bodies, naming what is missing. */
import { createReadStream } from 'node:fs';
import { GweError } from '../errors.ts';
import { VERSION } from '../host/version.ts';
import { type Answer, empty, json } from './answer.ts';
import { contentBytes } from './content-answer.ts';
import type { OperatorCall } from './context.ts';
import { CONTENT_CHUNK_BYTES, TARBALL_LIMITS } from './limits.ts';
import { isName, isProductName } from './names.ts';
import { storeContent, sweepContent } from './operator-content.ts';
import { isUploaded } from './provision.ts';
import { fieldOf } from './request.ts';
import type { Content, Product } from './store.ts';
import { newSecret } from './tokens.ts';

/** `GET /api/v1/whoami`. */
export async function whoami({ operator, platform }: OperatorCall): Promise<Answer> {
  const { name, role } = operator;
  return json(200, { name, role, vendor: platform.vendor, version: VERSION });
}

/** `GET /api/v1/products`. */
export async function listProducts({ platform }: OperatorCall): Promise<Answer> {
  return json(200, { products: (await platform.store.products()).map(productJson) });
}

/** `POST /api/v1/products` with `{"id"}`. */
export async function createProduct(call: OperatorCall): Promise<Answer> {
  const id = textIn(await jsonBody(call), 'id');
  if (!isProductName(id))
    throw new GweError('malformed', `Cannot create product ${JSON.stringify(id)}: no usable name`);
  const { store, clock } = call.platform;
  const end = await store.addProduct({ name: id, rid: newSecret(), template: '', now_ms: clock.now() });
  if (end === 'exists') throw new GweError('conflict', `Cannot create product ${id}: it exists already`);
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

/** `GET /api/v1/products/P/content`. */
export async function listContent(call: OperatorCall): Promise<Answer> {
  const contents = await contentsOf(call, call.params['product'] ?? '');
  return json(200, { content: contents.filter(isUploaded).map(contentJson) });
}

/** `PUT /api/v1/products/P/content/ID`: the bytes. A `*.tar.gz` must pass the gateway's own checks, unless `force=true`. */
export async function putContent(call: OperatorCall): Promise<Answer> {
  const { product = '', id = '' } = call.params;
  await productOf(call, product);
  if (!isName(id)) throw new GweError('malformed', `Cannot upload ${JSON.stringify(id)}: no usable name`);
  const isChecked = id.endsWith('.tar.gz') && fieldOf(call.request.pairs(), 'force') !== 'true';
  let facts: Record<string, unknown> | undefined;
  const { sha256, size_bytes, replaced } = await storeContent(call, product, id, async (file, size) => {
    facts = isChecked ? await checkTarball(file, id, size) : undefined;
  });
  return json(replaced ? 200 : 201, {
    id,
    size: size_bytes,
    sha256,
    ...(facts === undefined ? {} : { facts }),
  });
}

async function checkTarball(file: string, id: string, size_bytes: number): Promise<Record<string, unknown>> {
  const [{ inspectTarball }, { parseTarballName }] = await Promise.all([
    import('../app/inspect.ts'),
    import('../app/name.ts'),
  ]);
  const source = createReadStream(file, { highWaterMark: CONTENT_CHUNK_BYTES });
  try {
    const facts = await inspectTarball(source, parseTarballName(id), TARBALL_LIMITS, size_bytes);
    const { app, version } = facts.name;
    return { app, version, entries: facts.entries, unpacked: facts.unpacked_bytes };
  } finally {
    source.destroy();
  }
}

/** `GET /api/v1/products/P/content/ID`: the bytes, or a range of them. */
export async function getContent(call: OperatorCall): Promise<Answer> {
  const answer = contentBytes(await contentOf(call), call.request, call.platform);
  // It has the type that an uploader chose: a browser must not run it as a page of this origin.
  const guards = [
    ['X-Content-Type-Options', 'nosniff'],
    ['Content-Disposition', 'attachment'],
  ] as const;
  return { ...answer, headers: [...(answer.headers ?? []), ...guards] };
}

/** `DELETE /api/v1/products/P/content/ID`. */
export async function removeContent(call: OperatorCall): Promise<Answer> {
  const content = await contentOf(call);
  await call.platform.store.removeContent(call.params['product'] ?? '', content.name);
  await sweepContent(call.platform, [content]);
  return empty(204);
}

async function contentOf({ platform, params }: OperatorCall): Promise<Content> {
  const { product = '', id = '' } = params;
  const content = await platform.store.content(product, id);
  if (content !== undefined && isUploaded(content)) return content;
  throw new GweError('not-found', `Cannot find ${id}: the Content Area of ${product} has no such thing`);
}

async function contentsOf({ platform }: OperatorCall, product: string): Promise<Content[]> {
  const contents = await platform.store.contents(product);
  if (contents === undefined) throw noProduct(product);
  return contents;
}

async function productOf({ platform }: OperatorCall, id: string): Promise<Product> {
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

function contentJson({ name, size_bytes, sha256, type, updated_ms, meta }: Content) {
  return { id: name, size: size_bytes, sha256, type, updated: updated_ms, meta };
}

/** The JSON object in the body of a call. Raises `malformed` for anything else. */
export async function jsonBody({ request }: OperatorCall): Promise<Record<string, unknown>> {
  const body = await request.text();
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Falls through to the one refusal.
  }
  throw new GweError('malformed', 'Cannot read the request: its body is no JSON object');
}

/** A text of a JSON object. Raises `malformed` when it is missing or something else. */
export function textIn(body: Record<string, unknown>, key: string): string {
  const value = body[key];
  if (typeof value === 'string') return value;
  throw new GweError('malformed', `Cannot read the request: "${key}" must be a text`);
}
