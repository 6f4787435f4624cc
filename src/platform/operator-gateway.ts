/** The operator's provisioning calls on one serial number: info, activation log, enable, re-enable, remap, disable, delete. */
import { encodeCsvRow } from '../client/wire.ts';
import { type Answer, csvList, csvRow, empty, statusLine } from './answer.ts';
import type { OperatorCall } from './context.ts';
import { ACTIVATION_WINDOW_MS } from './limits.ts';
import { pageOf, ridOf, statusOf } from './operator-serials.ts';
import { fieldOf } from './request.ts';
import { isInRanges } from './serial-ranges.ts';
import type { LogEntry } from './store.ts';

const nameOf = ({ params }: OperatorCall) => ({
  product: params['model'] ?? '',
  serial: params['sn'] ?? '',
});

/** `GET …/model/M/SN`: `status,rid,extra`, 204 when unused; `?show=log`: `ts,conn,entry`, the newest first; `?show=groups`. */
export async function serialInfo(call: OperatorCall): Promise<Answer> {
  const { request, platform } = call;
  const show = fieldOf(request.pairs(), 'show');
  if (show === 'log') {
    const log = await platform.store.activationLog(nameOf(call));
    return log === undefined ? statusLine(404) : csvList(log.map(logRow));
  }
  const gateway = await platform.store.gateway(nameOf(call));
  if (gateway === undefined)
    return (await isInRanges(platform.store, nameOf(call))) ? empty(204) : statusLine(404);
  if (show === 'groups') return groupsOf(call);
  if (gateway.state === 'unused') return empty(204);
  return csvRow(encodeCsvRow([statusOf(gateway), ridOf(gateway), gateway.extra]));
}

/** `?show=groups` with `offset=&limit=`: one a line. */
async function groupsOf(call: OperatorCall): Promise<Answer> {
  const { product, serial } = nameOf(call);
  const { store, clock } = call.platform;
  const { offset, limit } = pageOf(call.request.pairs());
  const groups = await store.groupsOf(product, serial, clock.now());
  return csvList(groups.slice(offset, offset + limit));
}

function logRow({ time_ms, connection, entry }: LogEntry): string {
  return encodeCsvRow([String(Math.floor(time_ms / 1000)), connection, entry]);
}

/** `POST …/model/M/SN`: `enable=true&owner=RID`, `enable=true`, `enable=true&oldsn=`, `disable=true`, `delete=true`. */
export async function changeSerial(call: OperatorCall): Promise<Answer> {
  const pairs = await call.request.form();
  const has = (name: string) => fieldOf(pairs, name) === 'true';
  if (has('delete') || has('remove')) return remove(call);
  if (has('disable')) return disable(call);
  if (!has('enable')) return statusLine(400);
  await adoptFromRange(call);
  const oldSerial = fieldOf(pairs, 'oldsn');
  if (oldSerial !== undefined) return remap(call, oldSerial);
  return fieldOf(pairs, 'owner') === undefined ? enableAgain(call) : createClient(call);
}

/** A serial number within a range of its model is there as soon as somebody means it. */
async function adoptFromRange(call: OperatorCall): Promise<void> {
  const { store, clock } = call.platform;
  const { product, serial } = nameOf(call);
  if ((await store.gateway({ product, serial })) !== undefined) return;
  if (!(await isInRanges(store, { product, serial }))) return;
  await store.addGateways(product, [{ serial, extra: '' }], 'unused', clock.now());
}

/** `DELETE …/model/M/SN`. */
export async function removeSerial(call: OperatorCall): Promise<Answer> {
  await call.request.text();
  return remove(call);
}

async function remove(call: OperatorCall): Promise<Answer> {
  const { product, serial } = nameOf(call);
  return (await call.platform.store.removeGateways(product, [serial])) > 0 ? empty(205) : statusLine(404);
}

/** With an owner the serial number gets its client: 200 and its rid; 409 when it has one that is in use. */
async function createClient(call: OperatorCall): Promise<Answer> {
  const gateway = await call.platform.store.gateway(nameOf(call));
  if (gateway === undefined) return statusLine(404);
  if (gateway.state === 'activated') return statusLine(409);
  await setState(call, 'enabled', 'enabled');
  return csvRow(gateway.rid);
}

/** Kills the CIK and allows one activation. */
async function enableAgain(call: OperatorCall): Promise<Answer> {
  return (await setState(call, 'enabled', 'enabled again')) ? empty(205) : statusLine(404);
}

async function disable(call: OperatorCall): Promise<Answer> {
  return (await setState(call, 'disabled', 'disabled')) ? empty(205) : statusLine(404);
}

function setState(call: OperatorCall, state: 'enabled' | 'disabled', entry: string): Promise<boolean> {
  const now_ms = call.platform.clock.now();
  const until_ms = state === 'enabled' ? now_ms + ACTIVATION_WINDOW_MS : undefined;
  return call.platform.store.setState(nameOf(call), state, until_ms, logEntry(call, entry));
}

async function remap(call: OperatorCall, oldSerial: string): Promise<Answer> {
  const { product, serial } = nameOf(call);
  const until_ms = call.platform.clock.now() + ACTIVATION_WINDOW_MS;
  const entry = logEntry(call, `mapped from ${oldSerial} to ${serial}`);
  const end = await call.platform.store.remap(product, oldSerial, serial, until_ms, entry);
  if (end === 'done') return empty(205);
  return statusLine(end === 'unknown' ? 404 : 409);
}

function logEntry({ request, platform }: OperatorCall, entry: string): LogEntry {
  return { time_ms: platform.clock.now(), connection: request.remote, entry };
}
