/** The JSON API on one gateway: everything about it on one sheet, what it waits for, and the command that is given most: install. */
import { GweError } from '../errors.ts';
import { type Answer, json } from './answer.ts';
import type { OperatorCall } from './context.ts';
import { etagOf } from './device-api.ts';
import { expectedAt } from './fleet-condition.ts';
import type { FleetGateway, InstallEnd } from './fleet-store.ts';
import { type Standing, waitsFor } from './gateway-waits.ts';
import { jsonBody, textsIn } from './json-body.ts';
import { findGateway, gatewayJson, gatewayRef, noGateway } from './json-gateways.ts';
import { INSTALL_NAMES_MAX } from './limits.ts';
import { isUploaded } from './provision.ts';
import { installEnd, namesInInstruction } from './reported.ts';
import { rolloutWaits, takenBack } from './rollout-why.ts';
import type { Dataport, Point } from './store.ts';

const REPORTS = ['device_info', 'engine_report', 'usage_report', 'fetch_status'] as const;
const TOLD = ['engine_fetch', 'update_interval'] as const;
/** Points of a dataport that are looked through for the newest that tells something. */
const LOOK_BACK = 50;

/** `GET /api/v1/gateways/P/SN`. */
export async function getGateway(call: OperatorCall): Promise<Answer> {
  const who = gatewayRef(call);
  const gateway = await findGateway(call, who);
  const standing = await standingOf(call, gateway);
  const ports = await readPorts(call, REPORTS);
  const groups = await call.platform.store.groupsOf(who.product, who.serial, call.platform.clock.now());
  const expected = expectedAt(gateway.lastSeen_ms, gateway.interval_s);
  return json(200, {
    ...gatewayJson(gateway),
    groups,
    reports: Object.fromEntries(
      ports.map(({ alias, value, updated_ms }) => [alias, { value, updated: updated_ms }]),
    ),
    pending: pendingJson(standing),
    waitsFor: waitsFor(standing),
    ...(expected === undefined ? {} : { expected }),
    ...(standing.lastEnd === undefined ? {} : { lastInstall: endJson(standing.lastEnd) }),
  });
}

/** `GET …/why`: the same causes, in the same words, as on its sheet. */
export async function getWhy(call: OperatorCall): Promise<Answer> {
  const { product, serial } = gatewayRef(call);
  const causes = waitsFor(await standingOf(call, await findGateway(call, gatewayRef(call))));
  return json(200, { product, serial, time: call.platform.clock.now(), causes });
}

/** `GET …/pending`. */
export async function getPending(call: OperatorCall): Promise<Answer> {
  return json(200, pendingJson(await standingOf(call, await findGateway(call, gatewayRef(call)))));
}

/** `GET …/activations`. */
export async function activations(call: OperatorCall): Promise<Answer> {
  const log = await call.platform.store.activationLog(gatewayRef(call));
  if (log === undefined) throw noGateway(gatewayRef(call));
  return json(200, {
    activations: log.map(({ time_ms, connection, entry }) => ({ time: time_ms, address: connection, entry })),
  });
}

/** How a gateway stands to what it was told, for `waitsFor`. */
export async function standingOf(call: OperatorCall, gateway: FleetGateway): Promise<Standing> {
  const { store } = call.platform;
  const who = { product: gateway.product, serial: gateway.serial };
  const told = await readPorts(call, TOLD);
  const limit = LOOK_BACK;
  const fetched = (await store.points(who, 'engine_fetch', { limit })) ?? [];
  const statuses = (await store.points(who, 'fetch_status', { limit })) ?? [];
  return {
    gateway,
    engineFetch: told.find(({ alias }) => alias === 'engine_fetch'),
    updateInterval: told.find(({ alias }) => alias === 'update_interval'),
    taken: lastTaken(fetched, await takenBack(call, gateway.id)),
    lastEnd: lastEnd(statuses),
    rollouts: await rolloutWaits(call, gateway.id),
  };
}

/** The newest instruction that the gateway cleared, and not a rollout that took it back. */
function lastTaken(points: readonly Point[], back: readonly number[]): Standing['taken'] {
  const at = points.findLastIndex(
    ({ id, value }, index) => value === '' && points[index - 1]?.value !== '' && !back.includes(id),
  );
  const [instruction, cleared] = [points[at - 1], points[at]];
  if (instruction === undefined || cleared === undefined) return undefined;
  return { names: namesInInstruction(instruction.value), time_ms: cleared.time_ms };
}

function lastEnd(points: readonly Point[]): InstallEnd | undefined {
  return points
    .flatMap(({ value, time_ms }) => {
      const end = installEnd(value);
      return end === undefined ? [] : [{ ...end, time_ms }];
    })
    .at(-1);
}

async function readPorts(call: OperatorCall, aliases: readonly string[]): Promise<Dataport[]> {
  const end = await call.platform.store.exchange({
    who: gatewayRef(call),
    writes: [],
    reads: aliases,
    create: false,
    seen: false,
    now_ms: call.platform.clock.now(),
  });
  if (end.end !== 'done') throw noGateway(gatewayRef(call));
  return end.ports.filter(({ point }) => point > 0);
}

function pendingJson({ engineFetch, updateInterval }: Standing) {
  const isThere = (port: Dataport | undefined): port is Dataport => port !== undefined && port.value !== '';
  return {
    ...(isThere(engineFetch) ? { install: instructionJson(engineFetch) } : {}),
    ...(isThere(updateInterval)
      ? { updateInterval: { value: updateInterval.value, since: updateInterval.updated_ms } }
      : {}),
  };
}

function instructionJson(port: Dataport) {
  const { value, updated_ms } = port;
  return { names: namesInInstruction(value), text: value, since: updated_ms, etag: etagOf(port) };
}

function endJson({ name, outcome, time_ms }: InstallEnd) {
  return { name, outcome, time: time_ms };
}

/** `POST …/install` with `{"names"}`: writes the instruction, after a look into the Content Area. */
export async function install(call: OperatorCall): Promise<Answer> {
  const who = gatewayRef(call);
  const { store, clock } = call.platform;
  const names = textsIn(await jsonBody(call.request), 'names') ?? [];
  if (names.length === 0 || names.length > INSTALL_NAMES_MAX) {
    throw new GweError('malformed', `Cannot install: "names" must have 1 to ${INSTALL_NAMES_MAX} texts`);
  }
  await findGateway(call, who);
  await requireContent(call, who.product, names);
  const text = JSON.stringify({ install: names.map((name) => ({ name })) });
  const base = { who, create: true, seen: false, now_ms: clock.now() };
  const status = await store.exchange({ ...base, writes: [], reads: ['fetch_status'] });
  const end = await store.exchange({ ...base, writes: [['engine_fetch', text]], reads: [] });
  const written = end.end === 'done' ? end.written[0] : undefined;
  if (written === undefined) throw noGateway(who);
  const since = status.end === 'done' ? (status.ports[0]?.point ?? 0) : 0;
  return json(200, { text, etag: etagOf(written), since });
}

/** Raises `not-found` for what is missing from the Content Area of a product. */
export async function requireContent(
  { platform }: OperatorCall,
  product: string,
  names: readonly string[],
): Promise<void> {
  const contents = (await platform.store.contents(product)) ?? [];
  const there = new Set(contents.filter(isUploaded).map((content) => content.name));
  const missing = names.filter((name) => !there.has(name));
  if (missing.length === 0) return;
  throw new GweError(
    'not-found',
    `Cannot install ${missing.join(', ')}: not in the Content Area of ${product}`,
    { hint: 'Upload it first: gwe content upload FILE' },
  );
}
