/** What `dist/` holds: the list of digests, putting a finished build into its place, and telling whether it is there. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const SUMS = 'SHA256SUMS';
/** Says of which inputs the results in the folder were made. */
const MADE_OF = '.made-of';

/** A line for each file of `folder`, as `sha256sum` writes and checks it. */
export function checksums(folder: string): string {
  return readdirSync(folder)
    .filter((name) => name !== SUMS && !name.startsWith('.'))
    .sort()
    .map((name) => `${sha256(join(folder, name))}  ${name}\n`)
    .join('');
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** Moves a finished build's `results` to `output`, and removes what an earlier build had there and this one has not. */
export function publish(results: string, output: string, inputs: string): void {
  mkdirSync(output, { recursive: true });
  rmSync(join(output, MADE_OF), { force: true });
  const names = readdirSync(results);
  for (const name of listed(output)) if (!names.includes(name)) rmSync(join(output, name), { force: true });
  for (const name of names) renameSync(join(results, name), join(output, name));
  writeFileSync(join(output, MADE_OF), inputs);
}

/** The names in the list of digests of `output`. */
function listed(output: string): string[] {
  const sums = join(output, SUMS);
  if (!existsSync(sums)) return [];
  return [...readFileSync(sums, 'utf8').matchAll(/^[0-9a-f]{64} {2}([^/\n]+)$/gm)].flatMap(
    (line) => line[1] ?? [],
  );
}

/** Whether `output` holds an undamaged build of `inputs` that has all of `names`. */
export function isFresh(output: string, inputs: string, names: readonly string[]): boolean {
  const madeOf = join(output, MADE_OF);
  if (!existsSync(madeOf) || readFileSync(madeOf, 'utf8') !== inputs) return false;
  if (!names.every((name) => existsSync(join(output, name)))) return false;
  return checksums(output) === readFileSync(join(output, SUMS), 'utf8');
}
