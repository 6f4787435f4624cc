/** What a person fills in to start a rollout, and what the API is sent for it. Pure. */
import { parseStages } from './rollout-states.ts';

export interface Plan {
  names: string[];
  group: string;
  stages: string;
  cap: string;
  failLimit: string;
  silentMinutes: string;
  from: string;
  to: string;
  /** Weekdays as the API counts them, 0 = Sunday; none: on all. */
  days: number[];
  /** Empty: the gateway's own. */
  timezone: string;
  offlineDays: string;
  /** Empty: what the platform calls it, by what it installs. */
  name: string;
  /** Whether gateways that come to fit later are taken in. */
  dynamic: boolean;
}

export const PRESETS = [
  ['Careful: 5 %, then 25 %, then all', '5%, 25%, 100%'],
  ['One gateway, then 10 %, then all', '1, 10%, 100%'],
  ['All at once', '100%'],
] as const satisfies readonly (readonly [string, string])[];

/** In the order in which people plan a week. */
export const WEEKDAYS = [
  ['Mon', 1],
  ['Tue', 2],
  ['Wed', 3],
  ['Thu', 4],
  ['Fri', 5],
  ['Sat', 6],
  ['Sun', 0],
] as const satisfies readonly (readonly [string, number])[];

const DAY_MS = 86_400_000;

/** What keeps the rollout from being started; undefined when nothing does. */
export function planProblem(plan: Plan): string | undefined {
  if (plan.names.length === 0) return 'Choose what to install.';
  if (parseStages(plan.stages) === undefined) return 'Steps: write for instance 5%, 25%, 100%.';
  if ((plan.from === '') !== (plan.to === '')) return 'Give both ends of the window, or neither.';
  const isNarrowed = plan.days.length > 0 || plan.timezone !== '';
  if (isNarrowed && plan.from === '') return 'Days and time zone need a window: say from when to when.';
  return undefined;
}

/** The body of the call; what was left empty is left to the platform. */
export function bodyOf(
  product: string,
  plan: Plan,
  filter: Record<string, string | string[]>,
  now_ms = Date.now(),
): Record<string, unknown> {
  const number = (text: string) => (text.trim() === '' ? undefined : Number(text));
  const [silent, days] = [number(plan.silentMinutes), number(plan.offlineDays)];
  const fits = filterBody(filter);
  return {
    product,
    name: plan.name.trim() === '' ? undefined : plan.name.trim(),
    names: plan.names,
    stages: parseStages(plan.stages),
    group: plan.group === '' ? undefined : plan.group,
    filter: Object.keys(fits).length === 0 ? undefined : fits,
    cap: number(plan.cap),
    failLimit_percent: number(plan.failLimit),
    silentAfter_s: silent === undefined ? undefined : Math.round(silent * 60),
    window: plan.from === '' ? undefined : windowOf(plan),
    dynamic: plan.dynamic ? true : undefined,
    offlineUntil: days === undefined ? undefined : now_ms + days * DAY_MS,
  };
}

function windowOf({ from, to, days, timezone }: Plan): Record<string, unknown> {
  return {
    from,
    to,
    ...(days.length === 0 ? {} : { days }),
    ...(timezone === '' ? {} : { timezone }),
  };
}

/** The list's filter in the words of the API's filter. */
export function filterBody(filter: Record<string, string | string[]>): Record<string, unknown> {
  const { serialContains, tag, application, state, seenAfter, seenBefore } = filter;
  return {
    ...(serialContains === undefined ? {} : { serialContains }),
    ...(tag === undefined ? {} : { tags: [tag].flat() }),
    ...(application === undefined ? {} : { application }),
    ...(state === undefined ? {} : { states: [state].flat() }),
    ...(seenAfter === undefined ? {} : { seenAfter: Number(seenAfter) }),
    ...(seenBefore === undefined ? {} : { seenBefore: Number(seenBefore) }),
  };
}
