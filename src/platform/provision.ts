/** The provisioning calls of a device: activation, and the Content Area as gateways see it. */
import { encodeContentInfo, type FormPair, HEADERS } from '../client/wire.ts';
import { type Answer, csvList, csvRow, statusLine, text } from './answer.ts';
import { contentBytes } from './content-answer.ts';
import type { Call, Platform } from './context.ts';
import { keyOf } from './device-api.ts';
import { fieldOf, type PlatformRequest } from './request.ts';
import { isInRanges } from './serial-ranges.ts';
import type { Content } from './store.ts';
import { digestOf, newSecret } from './tokens.ts';

/**
 * `POST /provision/activate`: 200 with the CIK, 404 for what isn't there, 409 when it is not enabled or was activated.
 * The latest clients send only `id`; their product is the first label of the host name.
 */
export async function activate({ request, platform }: Call): Promise<Answer> {
  const pairs = await request.form();
  const serial = fieldOf(pairs, 'sn') ?? fieldOf(pairs, 'id');
  if (serial === undefined || serial === '') return statusLine(400);
  const product = await productOf(pairs, request, platform);
  if (product === undefined) return statusLine(404);
  const cik = newSecret();
  const end = await platform.store.activate({ product, serial }, digestOf(cik), {
    time_ms: platform.clock.now(),
    connection: request.remote,
    entry: 'activated',
  });
  if (end === 'unknown')
    return statusLine((await isInRanges(platform.store, { product, serial })) ? 409 : 404);
  if (end === 'conflict') return statusLine(409);
  platform.log.info(`Activated gateway ${serial} of ${product}`);
  return text(cik);
}

/** `GET /provision/download`: the list; with `id` the bytes; with `info=true` what is known about them. */
export async function download({ request, platform }: Call): Promise<Answer> {
  const pairs = request.pairs();
  const gateway = await platform.store.gateway({ key: keyOf(request) });
  if (gateway === undefined) return statusLine(401);
  const product = fieldOf(pairs, 'model') ?? gateway.product;
  if (product !== gateway.product || !isVendor(fieldOf(pairs, 'vendor'), product, platform)) {
    return statusLine(403);
  }
  const id = fieldOf(pairs, 'id');
  if (id === undefined) {
    const contents = (await platform.store.contents(product)) ?? [];
    return csvList(contents.filter(isUploaded).map((content) => content.name));
  }
  const content = await platform.store.content(product, id);
  if (content === undefined || !isUploaded(content)) return statusLine(404);
  if (fieldOf(pairs, 'info') === 'true') return csvRow(infoOf(content));
  return (await redirectTo(content, request, platform)) ?? contentBytes(content, request, platform);
}

/** 302 to where the bytes lie, for who says that it can follow: old clients cannot, and would take the answer for an error. */
async function redirectTo(
  { sha256 }: Content,
  request: PlatformRequest,
  platform: Platform,
): Promise<Answer | undefined> {
  if (request.header(HEADERS.acceptRedirect) === undefined) return undefined;
  const link = await platform.content.link(sha256);
  if (link === undefined) return undefined;
  return statusLine(302, [
    ['Location', link],
    ['Cache-Control', 'no-store'],
  ]);
}

/** `type,size,updated,meta`. */
export function infoOf(content: Content): string {
  const { type, size_bytes, meta, updated_ms } = content;
  return encodeContentInfo({ type, size_bytes, updated_s: Math.floor(updated_ms / 1000), meta });
}

/** Whether there are bytes: an operator may make an entry first, and upload later. */
export function isUploaded(content: Content): boolean {
  return content.sha256 !== '';
}

function isVendor(vendor: string | undefined, product: string, platform: Platform): boolean {
  return vendor === undefined || vendor === '' || vendor === platform.vendor || vendor === product;
}

async function productOf(
  pairs: readonly FormPair[],
  request: PlatformRequest,
  platform: Platform,
): Promise<string | undefined> {
  const model = fieldOf(pairs, 'model');
  if (model === undefined || model === '') return productOfHost(request.header('host'), platform);
  return isVendor(fieldOf(pairs, 'vendor'), model, platform) ? model : undefined;
}

async function productOfHost(host: string | undefined, platform: Platform): Promise<string | undefined> {
  const label = host?.split(/[.:]/)[0];
  return label === undefined || label === '' ? undefined : platform.store.productOfHost(label);
}
