/** Power cuts at random instants, one or two in a row, with chance deciding what of the unsynced is on the disk. */
import { checkIn, removeGateway } from './gateway.ts';
import { commanded, type Ground } from './ground.ts';
import { judge, type Moment, momentOf, violationsAtAnyTime } from './judge.ts';
import type { Outcome } from './matrix.ts';
import { isPoint, nameOfDeath } from './operations.ts';
import { cutShort, type Fate } from './power.ts';

/** Of so many random power cuts one comes during the recovery from another. */
const SECOND_CUT_CHANCE = 1 / 3;

/** Numbers from 0 to 1 that look random, and are the same for the same seed (mulberry32). */
export function chanceOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The power cuts of one seed, and the start after them. */
export async function tryRandomCuts(grounds: readonly Ground[], seed: number): Promise<Outcome> {
  const chance = chanceOf(seed);
  const ground = grounds[Math.floor(chance() * grounds.length)];
  if (ground === undefined) throw new Error('no ground to cut on');
  const { scenario, undisturbed } = ground;
  const gateway = await commanded(ground, `cuts-${seed}`);
  const length = undisturbed.filter(isPoint).length;
  const cuts = chance() < SECOND_CUT_CHANCE ? 2 : 1;
  const moments: Moment[] = [];
  const violations: string[] = [];
  const story: string[] = [];
  for (let boot = 1; boot <= cuts; boot += 1) {
    const { step, at } =
      chance() < scenario.steps.length / length ? stepOf(ground, chance) : atOf(length, chance);
    const fate: Fate = chance() < 0.2 ? 'drop' : chance;
    const dead = await cutShort(gateway, boot, step === undefined ? { at } : { step }, fate);
    story.push(dead.isKilled ? (step ?? nameOfDeath(dead.operations)) : 'the end');
    violations.push(...violationsAtAnyTime(gateway, scenario));
    moments.push(await momentOf(gateway));
  }
  const turn = await checkIn(gateway, cuts + 1);
  const verdict = await judge(gateway, scenario, moments, turn);
  removeGateway(gateway);
  return {
    point: `${scenario.name}: random power cuts of seed ${seed}, before ${story.join(', then before ')}`,
    violations: [...violations, ...verdict.violations],
    doubles: verdict.doubles,
    recovery_ms: turn.duration_ms,
  };
}

const atOf = (length: number, chance: () => number) => ({
  at: 1 + Math.floor(chance() * length),
  step: undefined,
});
const stepOf = ({ scenario }: Ground, chance: () => number) => ({
  at: 0,
  step: scenario.steps[Math.floor(chance() * scenario.steps.length)],
});
