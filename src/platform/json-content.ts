/** The JSON API on the Content Area: list, upload, download, remove, and what is known about one. */
import { createReadStream } from 'node:fs';
import { parseSignature, SIGNATURE_FILE_MAX_BYTES } from '../app/minisign-format.ts';
import { GweError } from '../errors.ts';
import { type Answer, empty, json } from './answer.ts';
import { contentBytes } from './content-answer.ts';
import {
  applicationOf,
  checkTarball,
  createCheckMemory,
  isTarball,
  type TarballChecks,
} from './content-checks.ts';
import type { OperatorCall } from './context.ts';
import { contentsOf, productOf } from './json-api.ts';
import { CONTENT_CHUNK_BYTES } from './limits.ts';
import { isName } from './names.ts';
import { storeContent, sweepContent } from './operator-content.ts';
import { isUploaded } from './provision.ts';
import { fieldOf } from './request.ts';
import type { Content } from './store.ts';

const SIGNATURE = '.minisig';

/** `GET /api/v1/products/P/content`. */
export async function listContent(call: OperatorCall): Promise<Answer> {
  const { product = '' } = call.params;
  const contents = (await contentsOf(call, product)).filter(isUploaded);
  await call.platform.fleet.settle();
  const versions = await call.platform.store.versions(product);
  const names = new Set(contents.map(({ name }) => name));
  const rows = contents.map(async (content) => {
    const named = await applicationOf(content.name);
    const has = versions.find(({ app, version }) => app === named?.app && version === named.version);
    return {
      ...contentJson(content),
      ...(named === undefined ? {} : { ...named, gateways: has?.gateways ?? 0 }),
      ...(names.has(`${content.name}${SIGNATURE}`) ? { signed: true } : {}),
    };
  });
  return json(200, { content: await Promise.all(rows) });
}

/** `PUT …/content/ID`: the bytes. A `*.tar.gz` must pass the gateway's own checks, unless `force=true`. */
export async function putContent(call: OperatorCall): Promise<Answer> {
  const { product = '', id = '' } = call.params;
  await productOf(call, product);
  if (!isName(id)) throw new GweError('malformed', `Cannot upload ${JSON.stringify(id)}: no usable name`);
  const isChecked = isTarball(id) && fieldOf(call.request.pairs(), 'force') !== 'true';
  let checked: TarballChecks | undefined;
  const check = async (file: string, size_bytes: number) => {
    const open = async () => createReadStream(file, { highWaterMark: CONTENT_CHUNK_BYTES });
    checked = isChecked ? await checkTarball(id, size_bytes, open) : undefined;
    if (checked?.failure !== undefined) throw checked.failure;
  };
  try {
    const { sha256, size_bytes, replaced } = await storeContent(call, product, id, check);
    call.platform.events.publish('content', { product, id });
    const facts = checked?.facts === undefined ? {} : { facts: checked.facts };
    return json(replaced ? 200 : 201, { id, size: size_bytes, sha256, ...facts });
  } catch (error) {
    if (checked?.failure === undefined || error !== checked.failure) throw error;
    const { code, message, hint } = checked.failure;
    return json(422, { error: { code, message, hint, checks: checked.checks } });
  }
}

/** `GET …/content/ID`: the bytes, or a range of them. */
export async function getContent(call: OperatorCall): Promise<Answer> {
  const answer = await contentBytes(await contentOf(call), call.request, call.platform);
  // It has the type that an uploader chose: a browser must not run it as a page of this origin.
  const guards = [
    ['X-Content-Type-Options', 'nosniff'],
    ['Content-Disposition', 'attachment'],
    ['Content-Security-Policy', "default-src 'none'; sandbox"],
  ] as const;
  return { ...answer, headers: [...(answer.headers ?? []), ...guards] };
}

/** `DELETE …/content/ID`. */
export async function removeContent(call: OperatorCall): Promise<Answer> {
  const { product = '' } = call.params;
  const content = await contentOf(call);
  await call.platform.store.removeContent(product, content.name);
  await sweepContent(call.platform, [content]);
  call.platform.deltas?.removed(product, content.name);
  call.platform.events.publish('content', { product, id: content.name });
  return empty(204);
}

const remember = createCheckMemory();

/** `GET …/content-details/ID`: the checks with their results, the signature, who has which version. */
export async function contentDetails(call: OperatorCall): Promise<Answer> {
  const { platform, params } = call;
  const { product = '' } = params;
  const content = await contentOf(call);
  const { name, sha256, size_bytes } = content;
  const bytes = () => platform.content.read(sha256, 0, size_bytes - 1);
  const checked = isTarball(name)
    ? await remember(`${name} ${sha256}`, () => checkTarball(name, size_bytes, bytes))
    : { checks: [] };
  const named = await applicationOf(name);
  await platform.fleet.settle();
  const versions = (await platform.store.versions(product)).filter(({ app }) => app === named?.app);
  const byVersion = Object.fromEntries(versions.map(({ version, gateways }) => [version, gateways]));
  const signature = await signatureOf(call, product, name);
  return json(200, {
    ...contentJson(content),
    ...(named === undefined ? {} : { ...named, gateways: byVersion[named.version] ?? 0 }),
    checks: checked.checks,
    versions: byVersion,
    ...(checked.facts === undefined ? {} : { facts: checked.facts }),
    ...(signature === undefined ? {} : { signed: true, signature }),
  });
}

/** Who signed it, as the file beside it says; whether that is true, each gateway finds out with the keys that it trusts. */
async function signatureOf({ platform }: OperatorCall, product: string, name: string) {
  const content = await platform.store.content(product, `${name}${SIGNATURE}`);
  if (content === undefined || !isUploaded(content) || content.size_bytes > SIGNATURE_FILE_MAX_BYTES) {
    return undefined;
  }
  const chunks: Buffer[] = [];
  const bytes = await platform.content.read(content.sha256, 0, content.size_bytes - 1);
  for await (const chunk of bytes) chunks.push(chunk);
  try {
    const { keyId, trustedComment } = parseSignature(Buffer.concat(chunks).toString('utf8'));
    return { keyId, trustedComment };
  } catch (error) {
    if (error instanceof GweError) return undefined;
    throw error;
  }
}

async function contentOf({ platform, params }: OperatorCall): Promise<Content> {
  const { product = '', id = '' } = params;
  const content = await platform.store.content(product, id);
  if (content !== undefined && isUploaded(content)) return content;
  throw new GweError('not-found', `Cannot find ${id}: the Content Area of ${product} has no such thing`);
}

function contentJson({ name, size_bytes, sha256, type, updated_ms, meta }: Content) {
  return { id: name, size: size_bytes, sha256, type, updated: updated_ms, meta };
}
