/**
 * Rehearsing the crash of an install: install.sh is run whole, then cut at each of its steps and run again, as the
 * gateway would after a power cut, and what comes of it is compared with what came of the whole run. Where it is run is
 * scratch-world.ts's, what a step is step-trace.ts's.
 */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TarballName } from '../app/name.ts';
import { GweError } from '../errors.ts';
import type { ScriptEnd } from '../host/processes.ts';
import type { Worlds } from './scratch-world.ts';
import { EXIT_RUN_AGAIN_AFTER_REBOOT } from './script.ts';
import {
  endLastLine,
  FIRST_STEP,
  layHook,
  parseTrace,
  type Step,
  stepsBegun,
  tracedCommand,
} from './step-trace.ts';
import { type Difference, differences, factsAt, factsBelow, type TreeFacts } from './tree-facts.ts';

/** A script of more steps is cut at so many of them, evenly spread. */
export const CUTS_MAX = 100;
/** Of the trace and the output of a run so much is looked at. */
const OUTPUT_MAX_BYTES = 8 * 1024 * 1024;
/** The world in which only the previous version is installed. */
const BEFORE = 'before';
/** What a restart clears anyway. */
const PASSING = /^\/var\/tmp\//;

/** An application, unpacked. */
export interface UnpackedApp {
  name: TarballName;
  folder: string;
  hasHealth: boolean;
}

export interface RehearsalDeps {
  worlds: Worlds;
  env: NodeJS.ProcessEnv;
  timeout_s: number;
  maxAttempts: number;
  signal: AbortSignal;
}

/** One way of being cut, and what the run after it came to. */
export interface Trial {
  /** The last step that was done; `undefined`: none was. */
  after: Step | undefined;
  /** Number of that step; 0: none. */
  number: number;
  /** What is wrong with it; `undefined`: nothing. */
  why: string | undefined;
  differences: Difference[];
  /** What the second run printed. */
  printed: string;
}

export interface Rehearsal {
  /** How the uninterrupted run ended; only when it is 0 there are trials. */
  end: ScriptEnd;
  printed: string;
  /** Of install.sh; 0 when it is not for a shell, and so is cut nowhere but after its end. */
  steps: number;
  trials: Trial[];
  /** Paths that are different after every run, and so tell nothing. */
  unsteady: string[];
  /** Whether health.sh ended well after the uninterrupted run, and so has to after each other. */
  isHealthWatched: boolean;
}

/** Rehearses `app`, where `previous` is installed before, if it is given. Raises `script` when that fails already. */
export async function rehearse(
  deps: RehearsalDeps,
  app: UnpackedApp,
  previous?: UnpackedApp,
): Promise<Rehearsal> {
  const stage = new Stage(deps, app, previous);
  if (previous !== undefined) await stage.installPrevious(previous);
  const first = await stage.run('whole', 0, 1);
  const { steps, printed } = parseTrace(first.end.output.toString());
  const base = {
    end: first.end,
    printed,
    steps: first.steps,
    trials: [],
    unsteady: [],
    isHealthWatched: false,
  };
  if (first.end.status !== 0) return base;
  const expected = stage.facts('whole');
  const isHealthWatched = app.hasHealth && (await stage.isHealthy('whole'));
  await stage.run('whole-again', 0, 1);
  const unsteady = stage.compare(expected, 'whole-again').map(({ path }) => path);
  const trials: Trial[] = [];
  for (const cut of cutsOf(first.steps)) {
    if (deps.signal.aborted) throw new GweError('stopped', 'The rehearsal was stopped');
    const trial = await stage.try(cut, expected, new Set(unsteady), isHealthWatched);
    const number = cut - FIRST_STEP;
    trials.push({ ...trial, number, after: number === 0 ? undefined : steps.get(cut - 1) });
  }
  return { ...base, trials, unsteady, isHealthWatched };
}

/** Before which steps to cut, and after the last one; steps are counted from `FIRST_STEP`. Pure. */
export function cutsOf(steps: number): number[] {
  const all = Array.from({ length: steps + 1 }, (_, n) => n + FIRST_STEP);
  const every = Math.ceil(all.length / CUTS_MAX);
  return all.filter((_, index) => index % every === 0 || index === all.length - 1);
}

/** Runs scripts of the application in worlds by name. */
class Stage {
  readonly #deps: RehearsalDeps;
  readonly #app: UnpackedApp;
  readonly #previous: UnpackedApp | undefined;
  #before: TreeFacts = new Map();

  constructor(deps: RehearsalDeps, app: UnpackedApp, previous: UnpackedApp | undefined) {
    this.#deps = deps;
    this.#app = app;
    this.#previous = previous;
  }

  async installPrevious(previous: UnpackedApp): Promise<void> {
    const end = await this.#script(BEFORE, previous, './install.sh', '');
    if (end.status !== 0) {
      throw new GweError('script', `Cannot rehearse: install.sh of ${previous.name.file} ${howEnded(end)}`, {
        hint: end.output.toString().trim().split('\n').at(-1) ?? '',
      });
    }
    this.#before = this.facts(BEFORE);
  }

  /** Runs install.sh, to its end or to step `cut`; again after a reboot that it asks for. */
  async run(world: string, cut: number, attempt: number): Promise<{ end: ScriptEnd; steps: number }> {
    const bench = this.#bench(world, this.#app);
    const seen = this.#deps.worlds.benchSeen(bench);
    layHook(bench, seen, cut, this.#deps.worlds.areScratch ? '-1' : '0');
    const script = join(bench, 'app/install.sh');
    const traced = tracedCommand(script, seen);
    if (traced !== undefined) endLastLine(script);
    const end = await this.#enter(
      world,
      bench,
      this.#app,
      traced ?? ['./install.sh'],
      attempt,
      this.#previous?.name.version ?? '',
    );
    const steps = traced === undefined ? 0 : stepsBegun(bench) - FIRST_STEP + 1;
    const isReboot = end.status === EXIT_RUN_AGAIN_AFTER_REBOOT && attempt < this.#deps.maxAttempts;
    return isReboot ? await this.run(world, 0, attempt + 1) : { end, steps };
  }

  async isHealthy(world: string): Promise<boolean> {
    const previous = this.#previous?.name.version ?? '';
    return (await this.#script(world, this.#app, './health.sh', previous)).status === 0;
  }

  /** Cuts install.sh before step `cut`, runs it again, and says what is wrong then. */
  async try(cut: number, expected: TreeFacts, unsteady: Set<string>, isHealthWatched: boolean) {
    const world = `cut-${cut}`;
    await this.run(world, cut, 1);
    const { end } = await this.run(world, 0, 2);
    const { printed } = parseTrace(end.output.toString());
    const failed = end.status === 0 ? undefined : `install.sh ${howEnded(end)}`;
    const found =
      failed === undefined ? this.compare(expected, world).filter(({ path }) => !unsteady.has(path)) : [];
    const isIll = failed === undefined && isHealthWatched && !(await this.isHealthy(world));
    this.#deps.worlds.drop(world);
    const why =
      failed ??
      (found.length > 0 ? 'it does not end in the same state' : isIll ? 'health.sh fails' : undefined);
    return { why, differences: found, printed };
  }

  /** All that was changed in a world. */
  facts(world: string): TreeFacts {
    const facts: TreeFacts = new Map();
    for (const { folder, path } of this.#deps.worlds.changes(world)) factsBelow(folder, path, facts);
    return facts;
  }

  compare(expected: TreeFacts, world: string): Difference[] {
    const otherwise = (path: string) => this.#before.get(path) ?? factsAt(path);
    return differences(expected, this.facts(world), otherwise).filter(({ path }) => !PASSING.test(path));
  }

  /** A fresh folder with the unpacked application: whatever an interrupted run did to its own is gone. */
  #bench(world: string, { folder }: UnpackedApp): string {
    const bench = join(this.#deps.worlds.folder, 'benches', world);
    rmSync(bench, { recursive: true, force: true });
    mkdirSync(bench, { recursive: true });
    cpSync(folder, join(bench, 'app'), { recursive: true, verbatimSymlinks: true });
    return bench;
  }

  async #script(world: string, app: UnpackedApp, script: string, previous: string): Promise<ScriptEnd> {
    return await this.#enter(world, this.#bench(world, app), app, [script], 1, previous);
  }

  async #enter(
    world: string,
    bench: string,
    { name }: UnpackedApp,
    command: readonly string[],
    attempt: number,
    previous: string,
  ): Promise<ScriptEnd> {
    const { worlds, timeout_s, signal, env } = this.#deps;
    const state = join(worlds.benchSeen(bench), 'state');
    const about = {
      GWE_APP_NAME: name.app,
      GWE_APP_VERSION: name.version,
      GWE_PREVIOUS_VERSION: previous,
      GWE_ATTEMPT: String(attempt),
      GWE_SERIAL: 'rehearsal',
      GWE_STATE_DIR: state,
      GWE_EXECUTABLE: process.execPath,
    };
    const run = { command, env: { ...env, ...about }, timeout_s, outputMax_bytes: OUTPUT_MAX_BYTES, signal };
    const isFirst = this.#previous === undefined || world === BEFORE;
    return await worlds.run(world, bench, run, isFirst ? undefined : BEFORE);
  }
}

/** How a script ended, as a clause. */
export function howEnded({ status, killedBy, startError, timedOut }: ScriptEnd): string {
  if (startError !== undefined) return `could not be started: ${startError}`;
  if (timedOut) return 'took too long';
  return status === undefined ? `was ended by ${killedBy}` : `ended with ${status}`;
}
