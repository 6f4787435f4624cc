/** The operator's provisioning calls on the serial numbers of a model: list, add, remove, as forms and as csv. */
import { decodeCsvRow, decodeForm, encodeCsvRow, type FormPair } from '../client/wire.ts';
import { type Answer, csvList, empty, statusLine } from './answer.ts';
import type { OperatorCall } from './context.ts';
import { PAGE_MAX_ROWS, PAGE_MIN_ROWS, SERIALS_MAX } from './limits.ts';
import { isName } from './names.ts';
import { fieldOf, fieldsOf } from './request.ts';
import { parseRanges, rangeText } from './serial-ranges.ts';
import type { Gateway, NewGateway } from './store.ts';

/** `GET …/model/M/?offset=&limit=`: `sn,rid,extra`; with `status=true` `sn,status,rid,extra`. */
export async function listSerials({ request, platform, params }: OperatorCall): Promise<Answer> {
  const product = params['model'] ?? '';
  if ((await platform.store.product(product)) === undefined) return statusLine(404);
  const pairs = request.pairs();
  if (fieldOf(pairs, 'show') === 'ranges') return rangesAnswer((await platform.store.ranges(product)) ?? []);
  const gateways = await platform.store.gateways({ product, ...pageOf(pairs) });
  const withStatus = fieldOf(pairs, 'status') === 'true';
  return csvList(
    gateways.map((gateway) => {
      const { serial, extra } = gateway;
      return encodeCsvRow([serial, ...(withStatus ? [statusOf(gateway)] : []), ridOf(gateway), extra]);
    }),
  );
}

/** Offset and limit of a list, the limit held between its documented bounds. */
export function pageOf(pairs: readonly FormPair[]): { offset: number; limit: number } {
  const number = (name: string, otherwise: number) => {
    const text = fieldOf(pairs, name) ?? '';
    return /^\d{1,9}$/.test(text) ? Number(text) : otherwise;
  };
  const limit = Math.max(PAGE_MIN_ROWS, Math.min(number('limit', PAGE_MAX_ROWS), PAGE_MAX_ROWS));
  return { offset: number('offset', 0), limit };
}

/** The two words that clients know. */
export function statusOf(gateway: Gateway): 'activated' | 'notactivated' {
  return gateway.state === 'activated' ? 'activated' : 'notactivated';
}

/** A serial number that was never enabled has no client yet, and so no rid. */
export function ridOf(gateway: Gateway): string {
  return gateway.state === 'unused' ? '' : gateway.rid;
}

/** `POST …/model/M/`: adds `sn=&extra=`, `sn[]=…` or csv `sn,extra`; removes with `delete=true` or `remove=true`. */
export async function changeSerials(call: OperatorCall): Promise<Answer> {
  const { request, params, platform } = call;
  const product = params['model'] ?? '';
  if (isCsv(call)) return add(call, product, serialsInCsv(await request.text()));
  if (isRanges(call)) return changeRanges(call, platform.store.addRanges);
  const pairs = await request.form();
  const serials = fieldsOf(pairs, 'sn');
  if (['delete', 'remove'].some((name) => fieldOf(pairs, name) === 'true'))
    return remove(call, product, serials);
  const extra = fieldOf(pairs, 'extra') ?? '';
  return add(
    call,
    product,
    serials.map((serial) => ({ serial, extra })),
  );
}

/** `DELETE …/model/M/` with one serial number a line, or as a form. */
export async function removeSerials(call: OperatorCall): Promise<Answer> {
  if (isRanges(call)) return changeRanges(call, call.platform.store.removeRanges);
  const body = await call.request.text();
  const named = isCsv(call) ? [] : fieldsOf(decodeForm(body.trim()), 'sn');
  const serials = named.length > 0 ? named : serialsInCsv(body).map(({ serial }) => serial);
  return remove(call, call.params['model'] ?? '', serials);
}

/** Whether a body says that it is csv. */
export function isCsv({ request }: OperatorCall): boolean {
  return /^text\/csv\b/i.test(request.header('content-type') ?? '');
}

function isRanges({ request }: OperatorCall): boolean {
  return /^application\/(javascript|json)\b/i.test(request.header('content-type') ?? '');
}

async function changeRanges(
  { request, params }: OperatorCall,
  change: (product: string, ranges: readonly string[]) => Promise<boolean>,
): Promise<Answer> {
  const ranges = parseRanges(await request.text());
  if (ranges === undefined) return statusLine(400);
  return (await change(params['model'] ?? '', ranges.map(rangeText))) ? empty(205) : statusLine(404);
}

function rangesAnswer(ranges: readonly string[]): Answer {
  const body = `{"ranges":[${ranges.join(',')}]}`;
  return { status: 200, headers: [['Content-Type', 'application/javascript; charset=utf-8']], body };
}

/** Lines `sn,extra`, with either line end; what follows the first comma is the extra, commas and all. */
function serialsInCsv(body: string): NewGateway[] {
  return body
    .split(/\r?\n|\r/)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [serial = '', ...extra] = decodeCsvRow(line);
      return { serial: serial.trim(), extra: extra.join(',') };
    });
}

async function add(call: OperatorCall, product: string, gateways: NewGateway[]): Promise<Answer> {
  const { platform } = call;
  if (gateways.length === 0 || gateways.some(({ serial }) => !isName(serial))) return statusLine(400);
  if (gateways.length > SERIALS_MAX) return statusLine(413);
  const end = await platform.store.addGateways(product, gateways, 'unused', platform.clock.now());
  if (end === 'unknown') return statusLine(404);
  return end === 'added' ? empty(205) : statusLine(409);
}

async function remove({ platform }: OperatorCall, product: string, serials: string[]): Promise<Answer> {
  if (serials.length === 0) return statusLine(400);
  const removed = await platform.store.removeGateways(product, serials);
  return removed > 0 ? empty(205) : statusLine(404);
}
