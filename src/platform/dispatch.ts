/**
 * From a request to its answer: the row of the routing table that fits, the operator's token where one is needed, and
 * whatever is raised as an answer of the kind that the caller understands.
 */
import { HEADERS } from '../client/wire.ts';
import { asGweError, explain, GweError, systemCode } from '../errors.ts';
import type { Log } from '../host/log.ts';
import { type Answer, errorAsJson, errorAsLine, statusLine } from './answer.ts';
import type { Call, Platform } from './context.ts';
import { decodeSegment, type PlatformRequest } from './request.ts';
import { ROUTES } from './routes.ts';
import type { Token } from './store.ts';
import { digestOf } from './tokens.ts';

/** The answer to a request; never rejects. */
export async function answerTo(request: PlatformRequest, platform: Platform): Promise<Answer> {
  const isJson = request.path.startsWith('/api/v1/');
  try {
    return await dispatch(request, platform);
  } catch (thrown) {
    const error = asGweError(thrown);
    logFailure(platform.log, request, error, systemCode(thrown) === 'ECONNRESET');
    return isJson ? errorAsJson(error) : errorAsLine(error);
  }
}

/** A caller who went away is none of the operator's business; a defect or a failing disk is. */
function logFailure(log: Log, request: PlatformRequest, error: GweError, isGone: boolean): void {
  const line = `Cannot answer ${request.method} ${request.path}: ${explain(error)}`;
  if (isGone) log.debug(line);
  else if (['internal', 'io', 'disk-full'].includes(error.code)) log.error(line);
}

async function dispatch(request: PlatformRequest, platform: Platform): Promise<Answer> {
  const route = ROUTES.find((each) => each.method === request.method && each.path.test(request.path));
  if (route === undefined) return nothingThere(request);
  const groups = route.path.exec(request.path)?.groups ?? {};
  const params = Object.fromEntries(
    Object.entries(groups).map(([name, value]) => [name, decodeSegment(value)] as const),
  );
  const call: Call = { request, platform, params };
  if (route.by === 'anyone') return route.answer(call);
  return route.answer({ ...call, operator: await operatorOf(request, platform) });
}

function nothingThere(request: PlatformRequest): Answer {
  const fitting = ROUTES.filter((route) => route.path.test(request.path));
  const methods = new Set(fitting.map((route) => route.method));
  const isJson = request.path.startsWith('/api/v1/');
  if (methods.size > 0) {
    const answer = isJson
      ? { ...errorAsJson(new GweError('refused', `Cannot ${request.method} ${request.path}`)), status: 405 }
      : statusLine(405);
    return { ...answer, headers: [...(answer.headers ?? []), ['Allow', [...methods].join(', ')]] };
  }
  const missing = new GweError('not-found', `Cannot find ${request.path}: no such path`);
  return isJson ? errorAsJson(missing) : errorAsLine(missing);
}

/** An operator's token comes as X-Exosite-Token, as a bearer, or (older libraries) in place of a CIK. */
async function operatorOf(request: PlatformRequest, platform: Platform): Promise<Token> {
  const bearer = request.header('authorization')?.match(/^(?:bearer|token)\s+(.+)$/i)?.[1];
  const sent = bearer ?? request.header(HEADERS.token) ?? request.header(HEADERS.cik);
  const token = sent === undefined ? undefined : await platform.store.token(digestOf(sent));
  if (token !== undefined) return token;
  throw new GweError('unauthorized', 'Cannot let you in: the token is not accepted', {
    hint: 'Log in with a good one: gwe login URL --token TOKEN',
  });
}
