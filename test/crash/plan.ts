/** What is tried: whole scenarios, and random power cuts on all of them. */
import { count, type Figures, inWords, noFigures } from './figures.ts';
import { type Ground, layGround } from './ground.ts';
import { inParallel, killsOf, type Outcome, powerCutsOf, tryPoint } from './matrix.ts';
import { tryRandomCuts } from './random.ts';
import { SCENARIOS } from './scenarios.ts';
import { openStage } from './stage.ts';

/** `npm test` tries every second point, so that it stays under a quarter of an hour; `node test/crash/run.ts` tries each. */
export const EVERY_IN_TESTS = 2;

/** All that can go wrong in these scenarios, at every point, or at each `every`th. Prints a line for each. */
export async function tryScenarios(
  names: readonly string[],
  say: (line: string) => void,
  every = 1,
): Promise<Figures> {
  const sum = noFigures();
  await onGrounds(names, async (grounds) => {
    for (const ground of grounds) {
      const { name } = ground.scenario;
      const points = { killed: killsOf(ground), 'without power': powerCutsOf(ground) };
      for (const [how, list] of Object.entries(points)) {
        const tried = list.filter((_, n) => n % every === 0);
        const work = tried.map((point) => () => tryPoint(ground, point));
        say(inWords(`${name}, ${how}`, await tryAll(work, sum)));
      }
    }
  });
  return sum;
}

/** `times` random power cuts on all scenarios, from the seed `first` on. */
export async function tryRandom(first: number, times: number, say: (line: string) => void): Promise<Figures> {
  const sum = noFigures();
  await onGrounds(
    SCENARIOS.map(({ name }) => name),
    async (grounds) => {
      const work = Array.from({ length: times }, (_, n) => () => tryRandomCuts(grounds, first + n));
      say(inWords('random power cuts', await tryAll(work, sum)));
    },
  );
  return sum;
}

async function tryAll(work: readonly (() => Promise<Outcome>)[], sum: Figures): Promise<Figures> {
  const figures = noFigures();
  await inParallel(work, (outcome) => {
    count(figures, outcome);
    count(sum, outcome);
  });
  return figures;
}

/** Lays the grounds of these scenarios on one stage, and takes the stage away in the end. */
export async function onGrounds(
  names: readonly string[],
  act: (grounds: readonly Ground[]) => Promise<void>,
): Promise<void> {
  const stage = await openStage();
  try {
    const grounds: Ground[] = [];
    for (const scenario of SCENARIOS.filter(({ name }) => names.includes(name))) {
      grounds.push(await layGround(stage, scenario));
    }
    await act(grounds);
  } finally {
    await stage.close();
  }
}
