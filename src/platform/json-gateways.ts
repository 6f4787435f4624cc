/** The JSON API on gateways: list, add, enable, remove, and the one command that an operator gives most: install. */
import { GweError } from '../errors.ts';
import { type Answer, empty, json } from './answer.ts';
import type { OperatorCall } from './context.ts';
import { etagOf } from './device-api.ts';
import { jsonBody, noProduct, textIn } from './json-api.ts';
import { ACTIVATION_WINDOW_MS, PAGE_MAX_ROWS } from './limits.ts';
import { isName } from './names.ts';
import { statusOf } from './operator-serials.ts';
import { isUploaded } from './provision.ts';
import { fieldOf } from './request.ts';
import type { Gateway } from './store.ts';

/** Product and serial number of a path. */
export function gatewayRef({ params }: OperatorCall): { product: string; serial: string } {
  return { product: params['product'] ?? '', serial: params['serial'] ?? '' };
}

/** The error for a gateway that isn't there. */
export function noGateway({ product, serial }: { product: string; serial: string }): GweError {
  return new GweError(
    'not-found',
    `Cannot find gateway ${serial}: product ${product} has none of that serial`,
    {
      hint: 'List them with "gwe gateways", add one with "gwe gateway add SERIAL".',
    },
  );
}

/** `GET /api/v1/gateways?product=&serial=&limit=&after=`; `next` is there when more may follow. */
export async function listGateways({ request, platform }: OperatorCall): Promise<Answer> {
  const pairs = request.pairs();
  const product = fieldOf(pairs, 'product');
  const serial = fieldOf(pairs, 'serial');
  const limit = Math.max(1, Math.min(number(fieldOf(pairs, 'limit'), PAGE_MAX_ROWS), PAGE_MAX_ROWS));
  const gateways = await platform.store.gateways({
    limit,
    after: number(fieldOf(pairs, 'after'), 0),
    ...(product === undefined ? {} : { product }),
    ...(serial === undefined ? {} : { serial }),
  });
  const last = gateways.length < limit ? undefined : gateways.at(-1);
  return json(200, {
    gateways: gateways.map(gatewayJson),
    ...(last === undefined ? {} : { next: String(last.id) }),
  });
}

/** A number of a query, or `otherwise`. Raises `malformed` for what is none. */
export function number(text: string | undefined, otherwise: number): number {
  if (text === undefined || text === '') return otherwise;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new GweError('malformed', `Cannot read the request: "${text.slice(0, 40)}" is no number`);
}

/** `POST /api/v1/gateways` with `{"product","serial"}`: it may be activated at once, and for as long as it takes. */
export async function addGateway(call: OperatorCall): Promise<Answer> {
  const body = await jsonBody(call);
  const product = textIn(body, 'product');
  const serial = textIn(body, 'serial');
  if (!isName(serial))
    throw new GweError('malformed', `Cannot add gateway ${JSON.stringify(serial)}: no usable name`);
  const { store, clock } = call.platform;
  const end = await store.addGateways(product, [{ serial, extra: '' }], 'enabled', clock.now());
  if (end === 'unknown') throw noProduct(product);
  if (end === 'exists')
    throw new GweError('conflict', `Cannot add gateway ${serial}: ${product} has it already`);
  return json(201, gatewayJson(await find(call, { product, serial })));
}

/** `GET /api/v1/gateways/P/SN`. */
export async function getGateway(call: OperatorCall): Promise<Answer> {
  return json(200, gatewayJson(await find(call, gatewayRef(call))));
}

/** `DELETE /api/v1/gateways/P/SN`. */
export async function removeGateway(call: OperatorCall): Promise<Answer> {
  const who = gatewayRef(call);
  if ((await call.platform.store.removeGateways(who.product, [who.serial])) === 0) throw noGateway(who);
  return empty(204);
}

/** `POST /api/v1/gateways/P/SN/enable`: its CIK is void, and it may be activated once, within a day. */
export async function enableGateway(call: OperatorCall): Promise<Answer> {
  const who = gatewayRef(call);
  const now_ms = call.platform.clock.now();
  await call.request.text();
  const entry = { time_ms: now_ms, connection: call.request.remote, entry: 'enabled again' };
  const done = await call.platform.store.setState(who, 'enabled', now_ms + ACTIVATION_WINDOW_MS, entry);
  if (!done) throw noGateway(who);
  return json(200, gatewayJson(await find(call, who)));
}

/** `POST /api/v1/gateways/P/SN/install` with `{"names"}`: writes the instruction, after a look into the Content Area. */
export async function install(call: OperatorCall): Promise<Answer> {
  const who = gatewayRef(call);
  const { store, clock } = call.platform;
  const names = namesIn(await jsonBody(call));
  await find(call, who);
  const contents = (await store.contents(who.product)) ?? [];
  const there = new Set(contents.filter(isUploaded).map((content) => content.name));
  const missing = names.filter((name) => !there.has(name));
  if (missing.length > 0) {
    throw new GweError(
      'not-found',
      `Cannot install ${missing.join(', ')}: not in the Content Area of ${who.product}`,
      {
        hint: 'Upload it first: gwe content upload FILE',
      },
    );
  }
  const text = JSON.stringify({ install: names.map((name) => ({ name })) });
  const base = { who, create: true, seen: false, now_ms: clock.now() };
  const status = await store.exchange({ ...base, writes: [], reads: ['fetch_status'] });
  const end = await store.exchange({ ...base, writes: [['engine_fetch', text]], reads: [] });
  const written = end.end === 'done' ? end.written[0] : undefined;
  if (written === undefined) throw noGateway(who);
  const since = status.end === 'done' ? (status.ports[0]?.point ?? 0) : 0;
  return json(200, { text, etag: etagOf(written), since });
}

function namesIn(body: Record<string, unknown>): string[] {
  const names = body['names'];
  const isList = Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string');
  if (!isList) throw new GweError('malformed', 'Cannot read the request: "names" must be a list of texts');
  return names;
}

async function find({ platform }: OperatorCall, who: { product: string; serial: string }): Promise<Gateway> {
  const gateway = await platform.store.gateway(who);
  if (gateway === undefined) throw noGateway(who);
  return gateway;
}

function gatewayJson(gateway: Gateway) {
  const { product, serial, lastSeen_ms, engineReport } = gateway;
  return { product, serial, status: statusOf(gateway), lastSeen: lastSeen_ms, ...reported(engineReport) };
}

/** Versions and interval, as the gateway's engine_report tells them. */
export function reported(text: string): { apps: Record<string, string>; updateInterval?: number } {
  const report = parse(text);
  const list = Array.isArray(report['apps']) ? report['apps'] : [];
  const apps = list.flatMap((item: unknown) =>
    Object.entries(asObject(item)).flatMap(([name, row]) => {
      const version = asObject(row)['version'];
      return typeof version === 'string' || typeof version === 'number' ? [[name, String(version)]] : [];
    }),
  );
  const interval = report['update_interval'];
  return {
    apps: Object.fromEntries(apps),
    ...(typeof interval === 'number' ? { updateInterval: interval } : {}),
  };
}

function parse(text: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return {};
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
