/** The JSON API on the dataports of a gateway: read with history, wait for the next point, write. */
import { type FormPair, HEADERS } from '../client/wire.ts';
import { GweError } from '../errors.ts';
import { type Answer, json } from './answer.ts';
import type { OperatorCall } from './context.ts';
import { etagOf, pointsIn } from './device-api.ts';
import { jsonBody, number, optionalNumber, textIn } from './json-body.ts';
import { gatewayRef, noGateway } from './json-gateways.ts';
import {
  HISTORY_MAX_POINTS,
  HISTORY_SLACK_POINTS,
  POINTS_ANSWER_MAX,
  VALUE_MAX_CHARACTERS,
  WAIT_MAX_S,
} from './limits.ts';
import { isName } from './names.ts';
import { fieldOf } from './request.ts';
import type { Dataport, Point } from './store.ts';

/** `GET /api/v1/gateways/P/SN/dataports`. */
export async function listDataports(call: OperatorCall): Promise<Answer> {
  const ports = await call.platform.store.dataports(gatewayRef(call));
  if (ports === undefined) throw noGateway(gatewayRef(call));
  const dataports = ports.map(({ alias, value, updated_ms }) => ({ alias, value, updated: updated_ms }));
  return json(200, { dataports });
}

/**
 * `GET …/dataports/ALIAS?points=N&since=ID&before=ID&from=MS&to=MS&wait=SECONDS`: the newest N points (before that one,
 * within those times), or with `since` those after that one, in order; `wait` holds the answer until there is a point
 * (after `since`, or after now).
 */
export async function getDataport(call: OperatorCall): Promise<Answer> {
  const pairs = call.request.pairs();
  const sinceText = fieldOf(pairs, 'since');
  const wait_s = Math.min(number(fieldOf(pairs, 'wait'), 0), WAIT_MAX_S);
  const limit = Math.min(
    number(fieldOf(pairs, 'points'), sinceText === undefined ? 0 : POINTS_ANSWER_MAX),
    POINTS_ANSWER_MAX,
  );
  const before = await portOf(call);
  const since = sinceText === undefined ? undefined : number(sinceText, 0);
  if (wait_s > 0) await waitForPoint(call, before.gateway, since ?? before.port.point, wait_s);
  const { port } = await portOf(call);
  const points = limit === 0 ? [] : await pointsOf(call, port.alias, since, limit, rangeIn(pairs));
  return json(200, { ...portJson(port), points: points.map(pointJson) });
}

interface PointRange {
  before: number | undefined;
  from_ms: number;
  to_ms: number;
}

function rangeIn(pairs: readonly FormPair[]): PointRange {
  return {
    before: optionalNumber(fieldOf(pairs, 'before')),
    from_ms: number(fieldOf(pairs, 'from'), 0),
    to_ms: number(fieldOf(pairs, 'to'), Number.MAX_SAFE_INTEGER),
  };
}

/** A dataport keeps few points (HISTORY_MAX_POINTS), so a range is cut out of all of them. */
async function pointsOf(
  call: OperatorCall,
  alias: string,
  since: number | undefined,
  limit: number,
  { before = Number.MAX_SAFE_INTEGER, from_ms, to_ms }: PointRange,
): Promise<Point[]> {
  const kept = HISTORY_MAX_POINTS + HISTORY_SLACK_POINTS + 1;
  const wanted = since === undefined ? { limit: kept } : { since, limit: kept };
  const points = (await call.platform.store.points(gatewayRef(call), alias, wanted)) ?? [];
  const fitting = points.filter(({ id, time_ms }) => id < before && time_ms >= from_ms && time_ms <= to_ms);
  return since === undefined ? fitting.slice(-limit) : fitting.slice(0, limit);
}

/** Registers, then looks, then waits; returns at once when there is a newer point already. */
async function waitForPoint(
  call: OperatorCall,
  gateway: number,
  after: number,
  wait_s: number,
): Promise<void> {
  const waiter = call.platform.waiters.register(gateway, call.params['alias'] ?? '', after);
  try {
    const { port } = await portOf(call);
    if (port.point <= after) await waiter.wait(wait_s * 1000, call.request.gone);
  } finally {
    waiter.release();
  }
}

/** `PUT …/dataports/ALIAS` with `{"value"}`: makes the dataport where it is missing. If-Match makes it conditional. */
export async function putDataport(call: OperatorCall): Promise<Answer> {
  const alias = call.params['alias'] ?? '';
  const value = textIn(await jsonBody(call.request), 'value');
  if (!isName(alias))
    throw new GweError('malformed', `Cannot write ${JSON.stringify(alias)}: no usable name`);
  if (value.length > VALUE_MAX_CHARACTERS) {
    throw new GweError('too-large', `Cannot write ${alias}: longer than ${VALUE_MAX_CHARACTERS} characters`);
  }
  const ifMatch = pointsIn(call.request.header(HEADERS.ifMatch));
  const end = await call.platform.store.exchange({
    who: gatewayRef(call),
    writes: [[alias, value]],
    reads: [],
    create: true,
    seen: false,
    now_ms: call.platform.clock.now(),
    ...(ifMatch === undefined ? {} : { ifMatch }),
  });
  if (end.end === 'changed') throw new GweError('changed', `Cannot write ${alias}: it was written meanwhile`);
  const written = end.end === 'done' ? end.written[0] : undefined;
  if (written === undefined) throw noGateway(gatewayRef(call));
  return json(200, { updated: written.updated_ms, etag: etagOf(written) });
}

async function portOf(call: OperatorCall): Promise<{ gateway: number; port: Dataport }> {
  const alias = call.params['alias'] ?? '';
  const who = gatewayRef(call);
  const end = await call.platform.store.exchange({
    who,
    writes: [],
    reads: [alias],
    create: false,
    seen: false,
    now_ms: call.platform.clock.now(),
  });
  if (end.end !== 'done') throw noGateway(who);
  const [port] = end.ports;
  if (port !== undefined) return { gateway: end.gateway, port };
  throw new GweError('not-found', `Cannot read ${alias}: gateway ${who.serial} has no such dataport`, {
    hint: `Writing it makes it: gwe write ${who.serial} ${alias} VALUE`,
  });
}

function portJson(port: Dataport) {
  return { alias: port.alias, value: port.value, updated: port.updated_ms, etag: etagOf(port) };
}

function pointJson({ id, time_ms, value }: Point) {
  return { id, time: time_ms, value };
}
