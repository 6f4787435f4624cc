/**
 * From a request to its answer: the row of the routing table that fits, the operator's token where one is needed, and
 * whatever is raised as an answer of the kind that the caller understands.
 */
import { HEADERS, PATHS } from '../client/wire.ts';
import { asGweError, explain, GweError, systemCode } from '../errors.ts';
import type { Log } from '../host/log.ts';
import { requireRole } from './access.ts';
import { type Answer, errorAsJson, errorAsLine, statusLine } from './answer.ts';
import { noteChange } from './audit-note.ts';
import { notingRefusals } from './audit-refusals.ts';
import type { Call, OperatorCall, Platform } from './context.ts';
import { decodeSegment, type PlatformRequest } from './request.ts';
import { type OperatorRoute, ROUTES, type Route } from './routes.ts';

/** The answer to a request; never rejects. */
export async function answerTo(request: PlatformRequest, platform: Platform): Promise<Answer> {
  const { clock, metrics } = platform;
  const begun_ms = clock.monotonic();
  const isWrite = request.method === 'POST' && isDataPath(request.path);
  const answer = await answerOrError(request, platform);
  if (answer.later !== undefined) return answer;
  metrics.answered(isOperatorPath(request.path) ? 'operator' : 'device', answer.status);
  if (isWrite) metrics.took(clock.monotonic() - begun_ms);
  return answer;
}

/** The answer that a device waited for; never rejects. */
export async function answerLater(coming: Promise<Answer>, platform: Platform): Promise<Answer> {
  const answer = await coming.catch((thrown) => {
    const error = asGweError(thrown);
    platform.log.error(`Cannot answer a long poll: ${explain(error)}`);
    return errorAsLine(error);
  });
  platform.metrics.answered('device', answer.status);
  return answer;
}

async function answerOrError(request: PlatformRequest, platform: Platform): Promise<Answer> {
  const isJson = request.path.startsWith('/api/v1/');
  try {
    return await dispatch(request, platform);
  } catch (thrown) {
    const error = asGweError(thrown);
    logFailure(platform.log, request, error, systemCode(thrown) === 'ECONNRESET');
    return isJson ? errorAsJson(error) : errorAsLine(error);
  }
}

function isDataPath(path: string): boolean {
  return path === PATHS.alias || path === PATHS.aliasOlder;
}

function isOperatorPath(path: string): boolean {
  return path.startsWith('/api/v1/') || path.startsWith('/provision/manage/');
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
  const call: Call = { request, platform, params: paramsOf(route, request) };
  if (route.by !== 'anyone') return operate(route, call);
  const cik = request.header(HEADERS.cik);
  if (cik !== undefined) platform.throttle.request(cik);
  return route.answer(call);
}

const NO_PARAMS: Readonly<Record<string, string>> = {};

function paramsOf(route: Route, request: PlatformRequest): Readonly<Record<string, string>> {
  if (!route.pattern.includes('{')) return NO_PARAMS;
  const groups = route.path.exec(request.path)?.groups ?? {};
  return Object.fromEntries(
    Object.entries(groups).map(([name, value]) => [name, decodeSegment(value)] as const),
  );
}

/** A call of an operator: who it is, whether they may, and (for what changed something) its record before the answer. */
async function operate(route: OperatorRoute, { request, platform, params }: Call): Promise<Answer> {
  const operator = await notingRefusals({ request, platform }, undefined, () =>
    platform.access.operatorOf(request),
  );
  return notingRefusals({ request, platform }, operator, async () => {
    const call: OperatorCall = { request, platform, params, operator, note: {} };
    requireRole(call, route.by);
    const answer = await route.answer(call);
    if (request.method !== 'GET' && answer.status < 400) await noteChange(call, answer);
    return answer;
  });
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
