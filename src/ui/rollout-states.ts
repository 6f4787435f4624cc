/** Where a gateway can stand in a rollout, in the order of a bar: what is done first, what is to come last. Pure. */
import type { Rollout, Stage } from './types.ts';

export const MEMBER_STATES = [
  'done',
  'watched',
  'taken',
  'told',
  'failed',
  'silent',
  'unhealthy',
  'waiting',
  'left',
  'cancelled',
] as const;

export const MEANINGS: Readonly<Record<(typeof MEMBER_STATES)[number], string>> = {
  done: 'installed and still well',
  watched: 'reported success; watched whether it stays well',
  taken: 'has the command and works on it',
  told: 'the command lies ready for its next check-in',
  failed: 'the install did not succeed',
  silent: 'was not seen any more after it took the command',
  unhealthy: 'reported success, but a program of it does not run',
  waiting: 'its turn has not come',
  left: 'not reached in time',
  cancelled: 'taken back before it was fetched',
};

/** How many gateways are told when a stage is through: the rule of the rollout's stages, rounded up. */
export function reachOf(stage: Stage, total: number): number {
  return Math.min(total, 'count' in stage ? stage.count : Math.ceil((total * stage.percent) / 100));
}

/** The stages with the size of each; a last one for all the rest where none reaches everybody. */
export function stagesOf(rollout: Rollout): { name: string; size: number; reach: number }[] {
  const { total } = rollout;
  const written = rollout.stages.map((stage) => ({
    name: 'count' in stage ? `first ${stage.count}` : `${stage.percent} %`,
    reach: reachOf(stage, total),
  }));
  const all =
    (written.at(-1)?.reach ?? 0) < total || written.length === 0
      ? [...written, { name: '100 %', reach: total }]
      : written;
  return all.map(({ name, reach }, index) => ({
    name,
    reach,
    size: Math.max(0, reach - (all[index - 1]?.reach ?? 0)),
  }));
}

/** How many have come to an end, of whatever kind. */
export function endedOf({ counts }: Rollout): number {
  return ['done', 'failed', 'silent', 'unhealthy', 'left', 'cancelled'].reduce(
    (sum, state) => sum + (counts[state] ?? 0),
    0,
  );
}

/** `5%, 25%, 100` → stages; undefined when it is not understood. */
export function parseStages(text: string): Stage[] | undefined {
  const parts = text
    .split(/[,;]/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const stages = parts.map((part): Stage | undefined => {
    const found = part.match(/^(\d+(?:\.\d+)?)\s*(%?)$/);
    if (found === null) return undefined;
    const value = Number(found[1]);
    if (found[2] === '%') return value > 0 && value <= 100 ? { percent: value } : undefined;
    return Number.isInteger(value) && value > 0 ? { count: value } : undefined;
  });
  return stages.every((stage) => stage !== undefined) && stages.length > 0 ? stages : undefined;
}
