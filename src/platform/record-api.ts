/** The One Platform's record call: values with the times at which they were measured, in both of its forms. */
import type { FormPair } from '../client/wire.ts';
import { type Answer, empty, statusLine } from './answer.ts';
import type { Call } from './context.ts';
import { keyOf } from './device-api.ts';
import { NAME_MAX_CHARACTERS, RECORD_POINTS_MAX, VALUE_MAX_CHARACTERS } from './limits.ts';
import type { RecordCall } from './store.ts';

type RecordedPoint = RecordCall['points'][number];

/** `POST …/record` with `alias=a&<ts>=v&…&alias=b&…`. */
export async function record(call: Call): Promise<Answer> {
  call.platform.gate.mayCome(() => keyOf(call.request));
  return store(call, pointsIn(await call.request.form(), undefined, call.platform.clock.now()));
}

/** `POST …/alias/<alias>` with `<ts>=v&…`: the older form. */
export async function recordOne(call: Call): Promise<Answer> {
  call.platform.gate.mayCome(() => keyOf(call.request));
  return store(call, pointsIn(await call.request.form(), call.params['alias'], call.platform.clock.now()));
}

async function store(call: Call, points: RecordedPoint[] | undefined): Promise<Answer> {
  if (points === undefined) return statusLine(400);
  if (points.length > RECORD_POINTS_MAX) return statusLine(413);
  if (points.some(({ value }) => value.length > VALUE_MAX_CHARACTERS)) return statusLine(413);
  if (areTooClose(points)) return statusLine(409);
  const { platform } = call;
  const key = keyOf(call.request);
  const now_ms = platform.clock.now();
  const end = await platform.gate.pass(
    key,
    () => platform.store.record({ who: { key }, points, now_ms }),
    (made) => made === 'done',
  );
  return end === 'unknown' ? statusLine(401) : empty(204);
}

/** The points of a form, oldest first; `undefined` when a time is none or stands before any alias. */
function pointsIn(
  pairs: readonly FormPair[],
  first: string | undefined,
  now_ms: number,
): RecordedPoint[] | undefined {
  const points: RecordedPoint[] = [];
  let alias = first;
  for (const [name, value] of pairs) {
    if (name === 'alias') {
      alias = value;
      continue;
    }
    const time_ms = timeOf(name, now_ms);
    if (time_ms === undefined || alias === undefined) return undefined;
    if (alias.length <= NAME_MAX_CHARACTERS) points.push({ alias, time_ms, value });
  }
  return points.sort((a, b) => a.time_ms - b.time_ms);
}

/** Unix seconds, or a negative number of seconds before now. */
function timeOf(text: string, now_ms: number): number | undefined {
  if (!/^-?\d{1,11}(\.\d{1,9})?$/.test(text)) return undefined;
  const time_ms = Math.floor(Number(text) * 1000);
  return time_ms < 0 ? now_ms + time_ms : time_ms;
}

/** Two points of one alias less than a second apart: the One Platform keeps one a second. */
function areTooClose(points: readonly RecordedPoint[]): boolean {
  const last = new Map<string, number>();
  return points.some(({ alias, time_ms }) => {
    const before_ms = last.get(alias);
    last.set(alias, time_ms);
    return before_ms !== undefined && time_ms - before_ms < 1000;
  });
}
