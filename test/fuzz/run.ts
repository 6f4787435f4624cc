/**
 * Fuzzing for as long as it is let: `npm run fuzz [TARGET…]`. Each round tries every target with a new seed; an input that
 * breaks something is made smaller, kept under seeds/ for the tests, and told. Ctrl-C ends it; then, or with a finding, it
 * says how much was tried.
 */
import fc from 'fast-check';
import { inputOf, mutants } from './mutate.ts';
import { keepSeed } from './seeds.ts';
import { type Target, targets } from './targets.ts';

const RUNS_A_ROUND = 2000;
const ROUND_LIMIT_MS = 30_000;

const wanted = process.argv.slice(2);
const chosen = targets.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (chosen.length === 0) {
  console.error(`No such target. There are: ${targets.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

let tried = 0;
let findings = 0;
process.once('SIGINT', () => {
  console.log(`\n${tried} inputs tried, ${findings} findings`);
  process.exit(findings === 0 ? 0 : 1);
});

async function round({ name, corpus, tokens, check }: Target): Promise<void> {
  const property = fc.asyncProperty(mutants(corpus.length), async (mutant) => {
    await check(inputOf(mutant, corpus, tokens));
  });
  const result = await fc.check(property, { numRuns: RUNS_A_ROUND, interruptAfterTimeLimit: ROUND_LIMIT_MS });
  tried += result.numRuns;
  if (!result.failed || result.counterexample === null) return;
  findings++;
  const [mutant] = result.counterexample;
  const path = keepSeed(name, inputOf(mutant, corpus, tokens));
  console.log(`${name}: ${String(result.errorInstance)}\n  kept as ${path}, seed ${result.seed}`);
}

for (let rounds = 1; ; rounds++) {
  for (const target of chosen) {
    await round(target);
    // Without a turn of the event loop no signal would ever be seen.
    await new Promise(setImmediate);
  }
  console.log(`round ${rounds}: ${tried} inputs tried, ${findings} findings`);
}
