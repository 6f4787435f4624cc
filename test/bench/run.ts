/**
 * `npm run bench`: what gwe costs beside others, measured alternately, written to docs/benchmarks.md.
 *
 *     npm run bench                     every part; asks before it installs competitors
 *     npm run bench -- NAME…            these parts
 *     npm run bench -- --yes            installs without asking
 *     npm run bench -- --quick          fewer rounds
 *     npm run bench -- --long NAME…     these parts, for as long as they take when all are run
 *     npm run bench -- --as-built       measures dist/ as it lies
 *     npm run bench -- --list           the parts, and how long each took the last time
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Ending, GWE } from '../e2e/machine.ts';
import { mountDisk } from './disk.ts';
import { keepOutcome, keptOutcome, type Outcome, writeDocument } from './document.ts';
import type { Bench, Findings, Part } from './part.ts';
import { PARTS } from './parts.ts';
import { surroundings } from './surroundings.ts';
import { hasTool, provideTools, TOOLS } from './tools.ts';

const ROOT = join(import.meta.dirname, '../..');
/** Unlike /tmp never in memory: what is written there has to reach a disk, as on a gateway. */
const DISK = '/var/tmp';
/** For a part that has it so. */
const MEMORY = '/dev/shm';
/** Holds the largest part; the image is sparse. */
const DISK_MIB = 8192;
const say = (line: string): void => console.log(line);

function chosenParts(names: readonly string[]): Part[] {
  const unknown = names.filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0)
    throw new Error(
      `There is no part ${unknown.join(', ')}; there are ${PARTS.map((part) => part.name).join(', ')}`,
    );
  return PARTS.filter((part) => names.length === 0 || names.includes(part.name));
}

/** An ext4 of our own where that may be made. */
function onDisk(bench: Ending & { folder: string }): string {
  try {
    return mountDisk(bench, DISK_MIB).folder;
  } catch (error) {
    say(
      `   measured on the file system of ${DISK}: ${error instanceof Error ? error.message.trim() : error}`,
    );
    return bench.folder;
  }
}

/** Has everything temporary put into `folder`, the part's children's too. */
function makeTemporary(bench: Ending, folder: string): void {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  bench.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
}

/**
 * Has gwe's file read anew, as after a start of the machine. One that was just built lies in the cache in larger pieces,
 * and the kernel then counts half as much again of it as resident.
 */
function readAnew(): void {
  spawnSync('sync', [GWE]);
  spawnSync('dd', [`if=${GWE}`, 'iflag=nocache', 'count=0', 'status=none']);
}

/** Runs one part in a folder of its own and clears up after it, whatever happens. */
async function runPart(part: Part, isQuick: boolean, isShort: boolean): Promise<Findings> {
  const missing = part.needs.filter((tool) => !hasTool(tool));
  if (missing.length > 0)
    throw new Error(`it needs ${missing.flatMap((tool) => TOOLS[tool].packages).join(', ')}`);
  const isInMemory = part.place === 'memory' && existsSync(MEMORY);
  const place = isInMemory ? MEMORY : (process.env['TMPDIR'] ?? DISK);
  const folder = mkdtempSync(join(place, 'gwe-bench-'));
  // A server that refuses to run as root reaches its own folder through this one.
  chmodSync(folder, 0o711);
  const undoing: Array<() => unknown> = [];
  const after = (undo: () => unknown) => void undoing.unshift(undo);
  const bench: Bench = {
    folder: isInMemory ? folder : onDisk({ folder, after }),
    rounds: (full) => (isQuick ? Math.max(2, Math.ceil(full / 5)) : full),
    isShort,
    has: hasTool,
    say: (line) => say(`   ${line}`),
    after,
  };
  makeTemporary(bench, bench.folder);
  readAnew();
  try {
    return await part.run(bench);
  } finally {
    for (const undo of undoing) await undo();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Whether the part could be run; what it found goes to the document. */
async function runAndKeep(part: Part, isQuick: boolean, isShort: boolean): Promise<boolean> {
  say(`\n── ${part.name}: ${part.sentence}`);
  const outcome: Outcome = { surroundings: await surroundings(), duration_s: 0, isQuick };
  const began_ms = performance.now();
  try {
    outcome.found = await runPart(part, isQuick, isShort);
    for (const { caption, columns, rows } of outcome.found.tables) {
      say(`\n   ${caption}`);
      for (const row of [columns, ...rows]) say(`   ${row.join(' | ')}`);
    }
    for (const note of outcome.found.notes ?? []) say(`   - ${note}`);
    for (const aim of outcome.found.aims ?? [])
      say(`   ${aim.isMet ? 'met' : 'MISSED'}: ${aim.what}: ${aim.found} (${aim.aim})`);
  } catch (error) {
    // It goes to a document: where this checkout lies is nobody's business.
    const why = (error instanceof Error ? error.message : String(error)).replaceAll(ROOT, '.');
    outcome.cannot = why.trim().slice(0, 1000);
    say(`   could not run: ${outcome.cannot}`);
  }
  outcome.duration_s = (performance.now() - began_ms) / 1000;
  keepOutcome(part.name, outcome);
  return outcome.cannot === undefined;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    yes: { type: 'boolean' },
    quick: { type: 'boolean' },
    long: { type: 'boolean' },
    'as-built': { type: 'boolean' },
    list: { type: 'boolean' },
  },
});
try {
  const parts = chosenParts(positionals);
  if (values.list) {
    for (const { name, sentence } of parts) {
      say(
        `${name.padEnd(14)} ${String(Math.round(keptOutcome(name)?.duration_s ?? 0)).padStart(3)} s  ${sentence}`,
      );
    }
  } else {
    await provideTools(values.yes === true, say);
    if (values['as-built'] !== true)
      spawnSync(process.execPath, ['build.mjs', '--if-stale'], { cwd: ROOT, stdio: 'inherit' });
    let allRan = true;
    const [isQuick, isShort] = [values.quick === true, positionals.length > 0 && values.long !== true];
    for (const part of parts) allRan = (await runAndKeep(part, isQuick, isShort)) && allRan;
    say(`\nwritten: ${writeDocument(PARTS)}`);
    process.exitCode = allRan ? 0 : 1;
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
