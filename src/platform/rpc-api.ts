/**
 * The One Platform's JSON-RPC, as far as old tools need it: a device reads, writes and looks at its own dataports. What
 * makes, moves and shares resources is not served (501).
 */
import { GweError } from '../errors.ts';
import { type Answer, empty } from './answer.ts';
import type { Call, Platform } from './context.ts';
import { RPC_CALLS_MAX } from './limits.ts';
import { fieldsOf, procedures } from './rpc-procedures.ts';
import { digestOf } from './tokens.ts';

type Fields = Readonly<Record<string, unknown>>;

/** `POST /onep:v1/rpc/process`: `{"auth":{"cik"},"calls":[{"id","procedure","arguments"}]}`. Calls without id get no response. */
export async function process({ request, platform }: Call): Promise<Answer> {
  const message = parse(await request.text());
  if (message === undefined) return failure(200, -1, 'JSON');
  const { auth, calls } = message;
  const cik = fieldsOf(auth)['cik'];
  if (!Array.isArray(calls) || calls.length > RPC_CALLS_MAX) return failure(400, 400, 'calls');
  if (typeof cik !== 'string') return failure(401, 401, 'auth');
  platform.throttle.request(cik);
  const who = { key: digestOf(cik) };
  if ((await platform.store.gateway(who)) === undefined) return failure(401, 401, 'auth');
  const responses = await platform.gate.pass(
    who.key,
    () => carryOutAll(platform, who, calls),
    () => true,
  );
  return responses.length === 0 ? empty(204) : answer(200, responses);
}

/** In their order: a read sees the write before it. */
async function carryOutAll(
  platform: Platform,
  who: { key: string },
  calls: readonly unknown[],
): Promise<Fields[]> {
  const responses: Fields[] = [];
  for (const call of calls) {
    const { id, procedure, arguments: args } = fieldsOf(call);
    const end = await carryOut(platform, who, String(procedure), Array.isArray(args) ? args : []);
    if (id !== undefined) responses.push({ id, ...end });
  }
  return responses;
}

async function carryOut(
  platform: Platform,
  who: { key: string },
  name: string,
  args: readonly unknown[],
): Promise<Fields> {
  const procedure = procedures[name];
  if (procedure === undefined) {
    return { status: 'fail', error: { code: 501, message: 'Error', context: 'procedure' } };
  }
  try {
    const result = await procedure(platform, who, args);
    if (result === 'invalid') return { status: 'invalid' };
    return result === undefined ? { status: 'ok' } : { status: 'ok', result };
  } catch (error) {
    if (error instanceof GweError && error.code !== 'internal' && error.code !== 'io') {
      return { status: 'fail', error: { code: 500, message: 'Error', context: error.code } };
    }
    throw error;
  }
}

function failure(status: number, code: number, context: string): Answer {
  return answer(status, { error: { code, message: 'Invalid', context } });
}

function answer(status: number, value: unknown): Answer {
  const headers = [['Content-Type', 'application/json; charset=utf-8']] as const;
  return { status, headers, body: JSON.stringify(value) };
}

function parse(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
