import { test } from 'node:test';
import fc from 'fast-check';
import { inputOf, mutants } from './mutate.ts';
import { seedsOf } from './seeds.ts';
import { targets } from './targets.ts';

/** Of a bounded run; `npm run fuzz` goes on for as long as it is let. */
const LIMIT_MS = 8000;

for (const { name, corpus, tokens, runs, check } of targets) {
  test(`nothing that comes from outside breaks the reader of ${name}`, async () => {
    for (const { input } of seedsOf(name)) await check(input);
    const property = fc.asyncProperty(mutants(corpus.length), async (mutant) => {
      await check(inputOf(mutant, corpus, tokens));
    });
    await fc.assert(property, { numRuns: runs, interruptAfterTimeLimit: LIMIT_MS });
  });
}
