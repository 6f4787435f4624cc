/**
 * The crash matrix by hand:
 *
 *     node test/crash/run.ts                     what npm test tries, with its figures
 *     node test/crash/run.ts update rollback     these scenarios
 *     node test/crash/run.ts --random 5000 [FIRST_SEED]
 *     node test/crash/run.ts --all               every scenario, and ten times as many random power cuts
 */
import type { Figures } from './figures.ts';
import { tryRandom, tryScenarios } from './plan.ts';
import { SCENARIOS } from './scenarios.ts';

/** Random power cuts that npm test makes. */
const RANDOM_CUTS = 500;

const say = (line: string): void => console.log(line);
const args = process.argv.slice(2);
const names = args.filter((arg) => SCENARIOS.some(({ name }) => name === arg));
const isRandomOnly = args[0] === '--random';

const started_ms = performance.now();
const parts: Figures[] = [];
if (!isRandomOnly)
  parts.push(await tryScenarios(names.length > 0 ? names : SCENARIOS.map(({ name }) => name), say));
if (names.length === 0) {
  const times = isRandomOnly ? Number(args[1] ?? RANDOM_CUTS) : RANDOM_CUTS * (args[0] === '--all' ? 10 : 1);
  parts.push(await tryRandom(Number(args[2] ?? 1), times, say));
}
say(`${((performance.now() - started_ms) / 1000).toFixed(0)} s`);
for (const violation of parts.flatMap(({ violations }) => violations)) say(`VIOLATION ${violation}`);
process.exit(parts.some(({ violations }) => violations.length > 0) ? 1 : 0);
