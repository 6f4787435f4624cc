/**
 * `npm test`: everything that has to hold, what is learnt fastest first. Ends with a line of counts, and with 1 when
 * anything failed. Under CI=true what had to be skipped counts as failed.
 *
 *     npm test                      everything
 *     npm test -- unit              one or more of: types, lint, unit, e2e
 *     npm test -- test/app FILE…    these test files, and those in these folders
 */
import { spawn } from 'node:child_process';
import { provideTools } from './debian.ts';
import { type Choice, chooseTests, ROOT } from './parts.ts';
import { runTests, sum, type Tally } from './tally.ts';

const isCI = process.env['CI'] === 'true';
const say = (line: string): void => console.log(line);
const failedSteps: string[] = [];
const tallies: Tally[] = [];

/** Does the work under a heading, says how long it took, and notes when it went wrong. */
async function step(name: string, act: () => Promise<boolean> | boolean): Promise<void> {
  say(`\n── ${name}`);
  const started_ms = performance.now();
  const isGood = await act();
  if (!isGood) failedSteps.push(name);
  say(`── ${isGood ? 'good' : 'FAILED'} in ${((performance.now() - started_ms) / 1000).toFixed(1)} s`);
}

/** Runs a program of node_modules/.bin to its end, showing what it says. */
function tool(command: string, ...args: string[]): Promise<boolean> {
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' });
  return new Promise((resolve) => {
    child.once('error', (error) => {
      say(`Cannot run ${command}: ${error.message}`);
      resolve(false);
    });
    child.once('exit', (status) => resolve(status === 0));
  });
}

async function tests(files: readonly string[]): Promise<boolean> {
  const tally = await runTests(files, say);
  tallies.push(tally);
  if (isCI && tally.skipped > 0) say(`${tally.skipped} skipped, and under CI=true nothing may be`);
  return tally.failed === 0 && !(isCI && tally.skipped > 0);
}

async function runAll({ parts, unit, whole }: Choice): Promise<void> {
  if (parts.has('types')) {
    await step('types', () => tool('tsc', '--noEmit'));
    await step('types of the fleet page', () => tool('tsc', '--noEmit', '-p', 'src/ui'));
  }
  if (parts.has('lint')) await step('lint and format', () => tool('biome', 'check', '.'));
  if (unit.length + whole.length > 0) {
    await step('what the tests need of this machine', () => provideTools(say).missing.length === 0 || !isCI);
  }
  if (unit.length > 0) await step(`unit tests, ${unit.length} files`, () => tests(unit));
  if (whole.length === 0) return;
  await step('build', () => tool(process.execPath, 'build.mjs', '--if-stale'));
  await step(`tests of the built file, ${whole.length} files`, () => tests(whole));
}

/** The last lines: which steps failed, and the counts. A step that is no test counts as one when it failed. */
function finish(): number {
  const { passed, failed, skipped } = sum(tallies);
  say('');
  for (const name of failedSteps) say(`FAILED: ${name}`);
  const allFailed = Math.max(failed, failedSteps.length);
  say(`${passed} passed, ${allFailed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return allFailed === 0 ? 0 : 1;
}

try {
  await runAll(chooseTests(process.argv.slice(2)));
  process.exitCode = finish();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
