/** The operator's provisioning calls on the Content Area. What is uploaded this way is stored as it comes, whatever it is. */
import { encodeCsvRow } from '../client/wire.ts';
import { GweError } from '../errors.ts';
import { type Answer, csvList, csvRow, empty, statusLine } from './answer.ts';
import { contentBytes } from './content-answer.ts';
import type { OperatorCall, Platform } from './context.ts';
import { CONTENT_MAX_BYTES } from './limits.ts';
import { isName } from './names.ts';
import { infoOf, isUploaded } from './provision.ts';
import { fieldOf, fieldsOf } from './request.ts';
import type { Content } from './store.ts';

const placeOf = ({ params }: OperatorCall) => ({ product: params['model'] ?? '', id: params['id'] ?? '' });

/** `GET …/content/M/`: one id a line; with `sn` those which that serial number may have: all. */
export async function listContent(call: OperatorCall): Promise<Answer> {
  const { product } = placeOf(call);
  const contents = await call.platform.store.contents(product);
  if (contents === undefined) return statusLine(404);
  const serial = fieldOf(call.request.pairs(), 'sn');
  const known = serial === undefined || (await call.platform.store.gateway({ product, serial }));
  return known === undefined ? statusLine(400) : csvList(contents.map((content) => content.name));
}

/** `POST …/content/M/`: `id=&meta=[&protected=true]` (an older library says `description`); with `delete=true` it deletes. */
export async function createContent(call: OperatorCall): Promise<Answer> {
  const { product } = placeOf(call);
  const pairs = await call.request.form();
  const [name = ''] = fieldsOf(pairs, 'id');
  if (fieldOf(pairs, 'delete') === 'true') return remove(call.platform, product, name);
  if (!isName(name)) return statusLine(400);
  const end = await call.platform.store.addContent(product, {
    name,
    meta: fieldOf(pairs, 'meta') ?? fieldOf(pairs, 'description') ?? '',
    protected: fieldOf(pairs, 'protected') === 'true',
    now_ms: call.platform.clock.now(),
  });
  if (end === 'unknown') return statusLine(404);
  return end === 'added' ? empty(205) : statusLine(409);
}

/** `GET …/content/M/ID`: five columns `type,size,updated,meta,protected`; `?download=true`: the bytes. */
export async function contentInfo(call: OperatorCall): Promise<Answer> {
  const { product, id } = placeOf(call);
  const pairs = call.request.pairs();
  const content = await call.platform.store.content(product, id);
  if (content === undefined) return statusLine(404);
  if (fieldOf(pairs, 'show') === 'groups') return empty(204);
  if (fieldOf(pairs, 'download') !== 'true') {
    return csvRow(`${infoOf(content)},${encodeCsvRow([String(content.protected)])}`);
  }
  return isUploaded(content) ? contentBytes(content, call.request, call.platform) : statusLine(404);
}

/** `POST …/content/M/ID`: the bytes, with any Content-Type; over existing ones too. The entry must be there. */
export async function uploadContent(call: OperatorCall): Promise<Answer> {
  const { product, id } = placeOf(call);
  const { platform } = call;
  if ((await platform.store.content(product, id)) === undefined) return statusLine(404);
  await storeContent(call, product, id, async () => {});
  platform.events.publish('content', { product, id });
  return empty(205);
}

/** `DELETE …/content/M/ID`. */
export async function removeContent(call: OperatorCall): Promise<Answer> {
  const { product, id } = placeOf(call);
  await call.request.text();
  return remove(call.platform, product, id);
}

async function remove(platform: Platform, product: string, id: string): Promise<Answer> {
  const content = await platform.store.content(product, id);
  if (content === undefined || !(await platform.store.removeContent(product, id))) return statusLine(404);
  await platform.content.sweep(content.sha256);
  platform.events.publish('content', { product, id });
  platform.deltas?.removed(product, id);
  return empty(205);
}

/**
 * Streams the body of a call to the disk and gives it its name once `check` (which is handed the file) has let it pass.
 * Raises `too-large`, `not-found` when the product has gone, and what `check` raises; nothing is changed then.
 */
export async function storeContent(
  { request, platform }: OperatorCall,
  product: string,
  name: string,
  check: (file: string, size_bytes: number) => Promise<void>,
): Promise<{ sha256: string; size_bytes: number; replaced: boolean }> {
  if ((request.length_bytes ?? 0) > CONTENT_MAX_BYTES) {
    throw new GweError('too-large', `Cannot take ${name}: longer than ${CONTENT_MAX_BYTES} bytes`);
  }
  const received = await platform.content.receive(request.stream());
  try {
    const { sha256, size_bytes } = received;
    await check(received.file, size_bytes);
    await received.keep();
    const end = await platform.store.putContent(product, {
      name,
      type: request.header('content-type') ?? 'application/octet-stream',
      size_bytes,
      sha256,
      now_ms: platform.clock.now(),
    });
    if (end === undefined)
      throw new GweError('not-found', `Cannot store ${name}: there is no product ${product}`);
    if (end.previous !== undefined && end.previous !== sha256) await platform.content.sweep(end.previous);
    platform.deltas?.uploaded(product, name);
    return { sha256, size_bytes, replaced: end.previous !== undefined };
  } finally {
    await received.release();
  }
}

/** Takes away the bytes that nobody has any more. */
export async function sweepContent(platform: Platform, contents: readonly Content[]): Promise<void> {
  for (const content of contents) await platform.content.sweep(content.sha256);
}
