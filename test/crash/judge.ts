/** What must hold of a gateway that was killed, and started again: every sentence that this returns is a broken promise. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Gateway, type Turn, witnessed } from './gateway.ts';
import type { Scenario } from './scenarios.ts';

/** What lay on the disk, and stood on the platform, when everything was dead. */
export interface Moment {
  /** Phase of each item of the journal, by tarball; empty: there is no instruction in it. */
  phases: ReadonlyMap<string, string>;
  /** Whether engine_fetch still held the instruction. */
  stands: boolean;
}

export interface Verdict {
  violations: string[];
  /** Scripts that had ended, and were run again because the note of it was not yet on the disk. */
  doubles: string[];
}

/** Looks at the dead gateway. */
export async function momentOf({ stage, product, serial, state }: Gateway): Promise<Moment> {
  const phases = new Map<string, string>();
  for (const name of namesIn(join(state, 'journal')).filter((each) => /^\d.*\.json$/.test(each))) {
    const entry = parse(join(state, 'journal', name));
    for (const { name, phase, wentBack } of entry?.items ?? [])
      phases.set(name.file, wentBack === undefined ? phase : `${phase}, its script over`);
  }
  const stands = ((await stage.history(product, serial, 'engine_fetch')).at(-1) ?? '') !== '';
  return { phases, stands };
}

/** What must hold at any instant, also of a dead gateway: the way back is there. */
export function violationsAtAnyTime(gateway: Gateway, scenario: Scenario): string[] {
  if (scenario.before.length === 0) return [];
  const folder = join(gateway.state, 'apps/app');
  const good = parse(join(folder, 'record.json'))?.good;
  if (good === undefined) return ['the record of the installed application is gone'];
  const tarball = join(folder, good.file);
  if (!existsSync(tarball)) return [`the last good tarball ${good.file} is gone`];
  const sha256 = createHash('sha256').update(readFileSync(tarball)).digest('hex');
  return sha256 === good.sha256 ? [] : [`the last good tarball ${good.file} is damaged`];
}

/** Looks at the gateway after its one check-in since the last of the moments in which it was dead. */
export async function judge(
  gateway: Gateway,
  scenario: Scenario,
  moments: readonly Moment[],
  turn: Turn,
): Promise<Verdict> {
  const runs = judgeRuns(gateway, scenario, moments);
  const status = expectedStatus(scenario, moments.at(-1));
  const violations = [
    ...(turn.status === status ? [] : [`it ended with ${turn.status}, not with ${status}: ${turn.stderr}`]),
    ...violationsAtAnyTime(gateway, scenario),
    ...violationsOnDisk(gateway, scenario),
    ...(await violationsOnPlatform(gateway, scenario)),
    ...runs.violations,
  ];
  return { violations, doubles: runs.doubles };
}

/** 3 when what cannot be done was still to be reported. */
function expectedStatus({ command, install, ends }: Scenario, last: Moment | undefined): number {
  const { phases, stands } = last ?? { phases: new Map<string, string>(), stands: true };
  if (command !== undefined) return stands ? 3 : 0;
  const isTaken = phases.size > 0 || !stands;
  const isLeft = (file: string) => !isTaken || !(phases.get(file) ?? 'ended').startsWith('ended');
  return install.some((file, index) => isLeft(file) && !ends[index]?.source.includes('installed')) ? 3 : 0;
}

function violationsOnDisk({ root, state }: Gateway, scenario: Scenario): string[] {
  const empty = ['journal', 'downloads', 'staging', 'outbox'].flatMap((folder) =>
    namesIn(join(state, folder)).map((name) => `${folder}/${name} is left over`),
  );
  const halves = [state, join(root, 'config'), join(root, 'conf.d')]
    .flatMap((folder) => namesIn(folder))
    .filter((name) => /\.(new|stale)$/.test(name) || name === 'lock')
    .map((name) => `${name} is left over`);
  const apps = Object.entries(scenario.good).flatMap(([app, version]) => {
    const names = namesIn(join(state, 'apps', app)).join(' ');
    const good = parse(join(state, 'apps', app, 'record.json'))?.good;
    const wanted = [`${app}.v${version}.tar.gz`, 'record.json'].sort().join(' ');
    return [
      ...(names === wanted ? [] : [`apps/${app} holds ${names}, not ${wanted}`]),
      ...(good?.version === version ? [] : [`the record of ${app} says ${good?.version}, not ${version}`]),
    ];
  });
  const programs = namesIn(join(root, 'conf.d')).join(' ');
  const wrong = Object.entries(scenario.programs).filter(
    ([name, text]) => !text.test(textOf(join(root, 'conf.d', name))),
  );
  return [
    ...empty,
    ...halves,
    ...apps,
    ...(programs === Object.keys(scenario.programs).join(' ') ? [] : [`conf.d holds "${programs}"`]),
    ...wrong.map(([name]) => `${name} is not the right one`),
    ...violationsInWorld(join(root, 'world'), scenario.world),
    ...(scenario.settings.test(textOf(join(root, 'config/Engine.config')))
      ? []
      : ['Engine.config is not the right one']),
  ];
}

function violationsInWorld(world: string, wanted: Record<string, string>): string[] {
  const found = Object.fromEntries(
    namesIn(world).map((app) => [
      app,
      namesIn(join(world, app)).map((part) => textOf(join(world, app, part)).trim()),
    ]),
  );
  const expected = Object.fromEntries(
    Object.entries(wanted).map(([app, version]) => [app, [version, version, version]]),
  );
  if (JSON.stringify(found) === JSON.stringify(expected)) return [];
  return [`installed is ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`];
}

async function violationsOnPlatform(
  { stage, product, serial }: Gateway,
  scenario: Scenario,
): Promise<string[]> {
  const [fetches, ends, reports, intervals] = await Promise.all(
    ['engine_fetch', 'fetch_status', 'engine_report', 'update_interval'].map((alias) =>
      stage.history(product, serial, alias),
    ),
  );
  const isRight =
    ends?.length === scenario.ends.length && scenario.ends.every((end, n) => end.test(ends[n] ?? ''));
  const missing = Object.entries(scenario.good).filter(
    ([app, version]) =>
      !JSON.stringify(reports?.at(-1)).includes(`\\"${app}\\":{`) ||
      !reports?.at(-1)?.includes(`"version":"${version}"`),
  );
  return [
    ...(fetches?.at(-1) === '' ? [] : ['engine_fetch is not cleared']),
    ...((intervals?.at(-1) ?? '') === '' ? [] : ['update_interval is not cleared']),
    ...(isRight ? [] : [`fetch_status was ${JSON.stringify(ends)}`]),
    ...missing.map(([app]) => `engine_report does not tell of ${app}: ${reports?.at(-1)}`),
  ];
}

/** Which scripts ran again after their end. health.sh only looks, and may. */
function judgeRuns(gateway: Gateway, scenario: Scenario, moments: readonly Moment[]): Verdict {
  const verdict: Verdict = { violations: [], doubles: [] };
  const ended = new Set<string>();
  const attempts = new Map<string, number>();
  for (const line of witnessed(gateway)) {
    const [what, script = '', version = '', attempt, back = ''] = line.split(' ');
    if (script === 'health.sh') continue;
    const run = `${script} of ${version} ${back}`.trim();
    if (what === 'end') ended.add(run);
    if (what !== 'begin') continue;
    // An attempt is counted before it begins, so one may be missing, but none comes twice.
    const isFurther = Number(attempt) > (attempts.get(run) ?? 0) || script === 'uninstall.sh';
    if (!isFurther) verdict.violations.push(`${run} had attempt ${attempt} after ${attempts.get(run) ?? 0}`);
    attempts.set(run, Number(attempt));
    if (!ended.has(run)) continue;
    const phase = script === 'install.sh' && back === '' ? 'script' : 'rollback';
    const file = back === '' ? `${version}.tar.gz` : (scenario.install[0] ?? '');
    const known = moments.map(({ phases }) => phases.get(file));
    if (known.includes(phase)) verdict.doubles.push(run);
    else verdict.violations.push(`${run} ran again, though the journal said ${known.join(', then ')}`);
  }
  return verdict;
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

const textOf = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

interface Parsed {
  items?: { name: { file: string }; phase: string; wentBack?: string }[];
  good?: { version: string; file: string; sha256: string };
}

/** What gwe wrote; what cannot be read is as good as not there. */
function parse(path: string): Parsed | undefined {
  try {
    return JSON.parse(textOf(path));
  } catch {
    return undefined;
  }
}
