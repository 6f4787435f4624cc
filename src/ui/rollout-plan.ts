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
  offlineDays: string;
}

export const PRESETS = [
  ['Careful: 5 %, then 25 %, then all', '5%, 25%, 100%'],
  ['One gateway, then 10 %, then all', '1, 10%, 100%'],
  ['All at once', '100%'],
] as const satisfies readonly (readonly [string, string])[];

const DAY_MS = 86_400_000;

/** What keeps the rollout from being started; undefined when nothing does. */
export function planProblem(plan: Plan): string | undefined {
  if (plan.names.length === 0) return 'Choose what to install.';
  if (parseStages(plan.stages) === undefined) return 'Steps: write for instance 5%, 25%, 100%.';
  if ((plan.from === '') !== (plan.to === '')) return 'Give both ends of the window, or neither.';
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
    names: plan.names,
    stages: parseStages(plan.stages),
    group: plan.group === '' ? undefined : plan.group,
    filter: Object.keys(fits).length === 0 ? undefined : fits,
    cap: number(plan.cap),
    failLimit_percent: number(plan.failLimit),
    silentAfter_s: silent === undefined ? undefined : Math.round(silent * 60),
    window: plan.from === '' ? undefined : { from: plan.from, to: plan.to },
    offlineUntil: days === undefined ? undefined : now_ms + days * DAY_MS,
  };
}

/** The list's filter in the words of the API's filter. */
function filterBody(filter: Record<string, string | string[]>): Record<string, unknown> {
  const { serialContains, tag, application, state } = filter;
  return {
    ...(serialContains === undefined ? {} : { serialContains }),
    ...(tag === undefined ? {} : { tags: [tag].flat() }),
    ...(application === undefined ? {} : { application }),
    ...(state === undefined ? {} : { states: [state].flat() }),
  };
}
