/** In which order gateways are told, and in which stage each is: the same each time it is asked. Pure. */
import { createHash } from 'node:crypto';
import { type Member, NO_FACTS, type Stage } from './rollout-types.ts';

/** Serials in the order of a hash that hangs on the rollout: no gateway is always the first. */
export function inOrder<T extends { serial: string }>(rollout: number, gateways: readonly T[]): T[] {
  const keyed = gateways.map((gateway) => ({ gateway, key: keyOf(rollout, gateway.serial) }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ gateway }) => gateway);
}

function keyOf(rollout: number, serial: string): string {
  return createHash('sha256').update(`${rollout}:${serial}`).digest('hex');
}

/** How many of `total` are in each stage and those before it: never fewer than in the one before, at least one in the first. */
export function stageEnds(stages: readonly Stage[], total: number): number[] {
  let reached = Math.min(1, total);
  return stages.map((stage, index) => {
    const wanted = 'percent' in stage ? Math.ceil((total * stage.percent) / 100) : stage.count;
    reached = Math.min(total, Math.max(reached, wanted));
    return index === stages.length - 1 ? total : reached;
  });
}

/** The stage of the gateway at `place` (from 0). */
export function stageOf(ends: readonly number[], place: number): number {
  const stage = ends.findIndex((end) => place < end);
  return stage < 0 ? Math.max(0, ends.length - 1) : stage;
}

/** A gateway that was not told yet, and of which nothing is known. */
export function newMember(
  at: Pick<Member, 'gateway' | 'serial' | 'place' | 'stage'>,
  since_ms: number,
): Member {
  const nothing = { why: '', point: 0, statusPoint: 0, outcomes: {}, success_ms: 0, facts: NO_FACTS };
  return { ...at, since_ms, touched: false, excused: false, state: 'waiting', ...nothing };
}

/** The stages as they are kept: the last one reaches all. */
export function completeStages(stages: readonly Stage[]): Stage[] {
  const last = stages.at(-1);
  return last !== undefined && 'percent' in last && last.percent >= 100
    ? [...stages]
    : [...stages, { percent: 100 }];
}

/** Application and version in the name of a tarball, which was checked when the rollout was made. */
export function appOf(name: string): { app: string; version: string } {
  const stem = name.replace(/\.tar\.gz$/, '');
  const split = stem.lastIndexOf('.v');
  return split < 0
    ? { app: stem, version: '' }
    : { app: stem.slice(0, split), version: stem.slice(split + 2) };
}
