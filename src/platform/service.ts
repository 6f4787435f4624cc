/** What those ask who look after the platform itself: is it alive, is it ready, how is it doing, how is it spoken to. */
import { asGweError, GweError } from '../errors.ts';
import { type Answer, errorAsLine, json, text } from './answer.ts';
import type { Call, OperatorCall } from './context.ts';
import { metricsText } from './metrics.ts';
import { OPENAPI } from './openapi.ts';

/** `GET /healthz`: 200 as long as anything is answered. */
export async function health(): Promise<Answer> {
  return text('ok\n');
}

/**
 * `GET /readyz`: 200 when the store answers and takes writes, and the platform is not closing; else 503, and why. Content that cannot
 * be reached is told, but takes no replica out of service: check-ins go on without it, and every other replica has the same trouble.
 */
export async function ready({ platform }: Call): Promise<Answer> {
  if (platform.waiters.closed) return unready('it ends');
  const raised = await platform.store.countTokens().then(() => undefined, asGweError);
  const why = raised?.message ?? platform.store.trouble();
  if (why !== undefined) return unready(why);
  const trouble = await platform.content.trouble();
  return text(trouble === undefined ? 'ready\n' : `ready, but without content: ${trouble}\n`);
}

/** What `GET /readyz` says when nothing but `GET /healthz` can be answered well. */
export function unready(why: string): Answer {
  const { status, headers = [] } = errorAsLine(new GweError('busy', why));
  return { status, headers, body: `not ready: ${why}\n` };
}

/** `GET /api/v1/openapi.json`. */
export async function openApi(): Promise<Answer> {
  return json(200, OPENAPI);
}

/** `GET /metrics`, of the products that the token is for. */
export async function metrics({ platform, operator }: OperatorCall): Promise<Answer> {
  const now_ms = platform.clock.now();
  const [{ conditions }, sizes, trouble] = await Promise.all([
    platform.store.overview(operator.products, now_ms, now_ms),
    platform.store.sizes(),
    platform.content.trouble(),
  ]);
  const body = metricsText(platform.metrics.snapshot(), {
    ...sizes,
    conditions,
    content: { ...platform.content.counts(), isUp: trouble === undefined },
    checkIns: platform.fleet.checkIns,
    parked: platform.waiters.size,
    gate: platform.gate.counts(),
    listeners: platform.events.listeners,
    resident_bytes: process.memoryUsage.rss(),
    started_s: Math.round((Date.now() - performance.now()) / 1000),
  });
  return { status: 200, headers: [['Content-Type', 'text/plain; version=0.0.4; charset=utf-8']], body };
}
