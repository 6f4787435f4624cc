/** The JSON API's overview: how the fleet stands, now and over time. */
import { productsAsked } from './access.ts';
import { type Answer, json } from './answer.ts';
import type { OperatorCall } from './context.ts';
import * as condition from './fleet-condition.ts';
import { number } from './json-body.ts';
import { HOURS_KEPT } from './limits.ts';
import { fieldOf } from './request.ts';

/** A week. */
const HOURS_TOLD = 168;
const HOUR_MS = 3_600_000;

/** `GET /api/v1/overview?product=&hours=`. */
export async function overview(call: OperatorCall): Promise<Answer> {
  const { platform, request } = call;
  const pairs = request.pairs();
  const products = productsAsked(call, fieldOf(pairs, 'product'));
  const hours = Math.min(number(fieldOf(pairs, 'hours'), HOURS_TOLD), HOURS_KEPT);
  await platform.fleet.settle();
  const now_ms = platform.clock.now();
  const found = await platform.store.overview(products, now_ms - hours * HOUR_MS, now_ms);
  const total = Object.values(found.conditions).reduce((sum, count) => sum + count, 0);
  return json(200, {
    time: now_ms,
    gateways: { total, ...found.conditions },
    versions: found.versions,
    history: found.history.map(({ time_ms, ...count }) => ({ time: time_ms, ...count })),
    hours: found.hours.map(({ time_ms, ...counts }) => ({ time: time_ms, ...counts })),
    limits: {
      lateAfter: condition.LATE_AFTER_INTERVALS,
      lostAfter: condition.LOST_AFTER_INTERVALS,
      grace: condition.CONDITION_GRACE_S,
      defaultInterval: condition.DEFAULT_INTERVAL_S,
    },
  });
}
