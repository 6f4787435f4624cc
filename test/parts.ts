/** Which parts of the tests to run, by what stands on the command line of run.ts. Running them is left to it. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '..');

const PARTS = ['types', 'lint', 'unit', 'e2e'] as const;
export type Part = (typeof PARTS)[number];

/** Folders of test/ whose tests run the built file. */
const WHOLE = new Set(['packaging', 'e2e', 'crash', 'fuzz', 'browser', 'demo']);

export interface Choice {
  parts: ReadonlySet<Part>;
  /** Test files that need the source only, as paths from the root of the checkout. */
  unit: string[];
  /** Test files that need the built file. */
  whole: string[];
}

/** No argument chooses everything; raises an Error for one that is neither a part nor holds a test. */
export function chooseTests(args: readonly string[]): Choice {
  const parts = new Set(args.length === 0 ? PARTS : args.filter(isPart));
  const named = args.filter((arg) => !isPart(arg)).flatMap(testsOf);
  const all = testsBelow(join(ROOT, 'test'));
  const files = new Set([
    ...named,
    ...(parts.has('unit') ? all.filter((file) => !isWhole(file)) : []),
    ...(parts.has('e2e') ? all.filter(isWhole) : []),
  ]);
  const chosen = [...files].sort();
  return { parts, unit: chosen.filter((file) => !isWhole(file)), whole: chosen.filter(isWhole) };
}

const isPart = (arg: string): arg is Part => PARTS.some((part) => part === arg);
const isWhole = (file: string): boolean => WHOLE.has(file.split('/')[1] ?? '');

function testsOf(arg: string): string[] {
  const path = resolve(arg);
  if (!existsSync(path))
    throw new Error(`Cannot test ${arg}: expected ${PARTS.join(', ')}, or a file or folder`);
  const found = statSync(path).isDirectory() ? testsBelow(path) : [relative(ROOT, path)];
  if (found.length === 0) throw new Error(`Cannot test ${arg}: there is no *.test.ts in it`);
  return found;
}

function testsBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => relative(ROOT, join(folder, name)));
}
