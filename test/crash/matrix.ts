/** Every instant in which a scenario can be cut short, tried, and judged. */
import { availableParallelism } from 'node:os';
import { checkIn, type Kill, removeGateway } from './gateway.ts';
import { commanded, type Ground } from './ground.ts';
import { judge, momentOf, violationsAtAnyTime } from './judge.ts';
import { isPoint, nameOfDeath, type Operation } from './operations.ts';
import { cutShort } from './power.ts';

/** One instant to try. */
export interface Point extends Kill {
  /** The power is cut: what was not synced is lost, all of it. Else the processes are killed, and the disk stays. */
  power: boolean;
  /** What the disk takes no notice of, for a test of the matrix itself. */
  unheard?: readonly Operation['do'][];
}

/** What came of it. */
export interface Outcome {
  point: string;
  violations: string[];
  /** Scripts that had ended, and ran again. */
  doubles: string[];
  recovery_ms: number;
}

/** Before every operation, in the middle of every write, and at each step of the scripts. */
export function killsOf({ undisturbed, scenario }: Ground): Point[] {
  const operations = undisturbed.filter(isPoint).flatMap((operation, index): Point[] => {
    const point = { at: index + 1, power: false };
    return operation.do === 'write' ? [point, { ...point, torn: true }] : [point];
  });
  return [...operations, ...scenario.steps.map((step) => ({ step, power: false }))];
}

/** What changes that which is sure, or what others have seen. */
const MAKES_SURE = ['sync-file', 'sync-folder', 'send', 'answer', 'spawn', 'ended'];

/** Before every operation at which something else is on the disk for sure than before, and at each step of the scripts. */
export function powerCutsOf({ undisturbed, scenario }: Ground): Point[] {
  const points = undisturbed.filter(isPoint);
  const operations = points.flatMap((_, index): Point[] =>
    index === 0 || MAKES_SURE.includes(points[index - 1]?.do ?? '') ? [{ at: index + 1, power: true }] : [],
  );
  return [...operations, ...scenario.steps.map((step) => ({ step, power: true }))];
}

/** Cuts a gateway short there, and has it start again. */
export async function tryPoint(ground: Ground, point: Point): Promise<Outcome> {
  const { scenario } = ground;
  const name = `${point.power ? 'power' : 'kill'}-${point.step ?? point.at}${point.torn ? '-torn' : ''}${point.unheard ?? ''}`;
  const gateway = await commanded(ground, name.replaceAll(/[^\w.-]+/g, '-'));
  const dead = await cutShort(gateway, 1, point, point.power ? 'drop' : undefined, point.unheard);
  const before = violationsAtAnyTime(gateway, scenario);
  const moment = await momentOf(gateway);
  const turn = await checkIn(gateway, 2);
  const { violations, doubles } = await judge(gateway, scenario, [moment], turn);
  removeGateway(gateway);
  const missed = dead.isKilled ? [] : [`it was not killed, but ended with ${dead.status}: ${dead.stderr}`];
  return {
    point: `${scenario.name}: ${name}, before ${nameOfDeath(dead.operations)}`,
    violations: [...missed, ...before, ...violations],
    doubles,
    recovery_ms: turn.duration_ms,
  };
}

/** Does all of `work`, as many at once as there are cores. */
export async function inParallel<T>(
  work: readonly (() => Promise<T>)[],
  onEach: (done: T) => void,
): Promise<void> {
  const queue = [...work];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) onEach(await next());
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}
