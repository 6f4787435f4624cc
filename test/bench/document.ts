/**
 * docs/benchmarks.md out of what each part found. Each part's findings lie in docs/benchmarks/NAME.json, so that a part
 * that is run alone renews its own section and no other.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shown } from './figures.ts';
import type { Aim, Findings, Part, Table } from './part.ts';
import { draw } from './plot.ts';
import { shortfallRows } from './shortfalls.ts';
import type { Surroundings } from './surroundings.ts';

const DOCS = join(import.meta.dirname, '../../docs');
const KEPT = join(DOCS, 'benchmarks');

/** What one run of a part left. */
export interface Outcome {
  surroundings: Surroundings;
  duration_s: number;
  isQuick: boolean;
  found?: Findings;
  /** Why it could not run. */
  cannot?: string;
}

/** Keeps what a part found, and draws its plots. */
export function keepOutcome(name: string, outcome: Outcome): void {
  mkdirSync(KEPT, { recursive: true });
  writeFileSync(join(KEPT, `${name}.json`), `${JSON.stringify(outcome, undefined, 1)}\n`);
  for (const { plot } of outcome.found?.tables ?? []) {
    if (plot !== undefined) writeFileSync(join(KEPT, `${plot.name}.svg`), draw(plot));
  }
}

/** What the last run of a part left. */
export function keptOutcome(name: string): Outcome | undefined {
  const path = join(KEPT, `${name}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/** Writes the document anew from all that is kept. */
export function writeDocument(parts: readonly Part[]): string {
  const path = join(DOCS, 'benchmarks.md');
  const kept = parts.map((part) => ({ part, outcome: keptOutcome(part.name) }));
  const aims = kept.flatMap(({ part, outcome }) =>
    (outcome?.found?.aims ?? []).map((aim) => ({ part, aim })),
  );
  const text = [
    '# Benchmarks',
    '<!-- Made by `npm run bench`. Change test/bench/. -->',
    'What gwe costs, measured beside others and beside the least that the machine needs (the floor), alternately in one run. ' +
      'Medians; in brackets between which values the middle half lies; ratios are medians of the ratios of each pair.',
    '    npm run bench              # everything; asks before it installs the competitors, --yes does not ask\n' +
      '    npm run bench -- NAME      # one part, in under two minutes\n' +
      '    npm run bench -- --quick   # fewer rounds: to see that it works, not to believe',
    '## Aims',
    markdownTable(
      ['', 'aim', 'found', '', 'part'],
      aims.map(({ part, aim }) => [
        aim.what,
        aim.aim,
        aim.found,
        verdict(aim),
        `[${part.name}](#${part.name})`,
      ]),
    ),
    ...shortfalls(aims.map(({ aim }) => aim)),
    ...kept.map(({ part, outcome }) => section(part, outcome)),
    ...machines(kept.flatMap(({ part, outcome }) => (outcome === undefined ? [] : [{ part, outcome }]))),
  ];
  writeFileSync(path, `${text.join('\n\n')}\n`);
  return path;
}

const verdict = ({ isMet }: Aim): string => (isMet ? 'met' : '**missed**');

function shortfalls(aims: readonly Aim[]): string[] {
  const rows = shortfallRows(aims);
  if (rows.length === 0) return [];
  return ['**Where they are missed**', markdownTable(['', 'cause', 'tried'], rows)];
}

/** Of all processors: above it others had a share in what was measured. */
const QUIET_PERCENT = 5;
/** What is said of every part. */
const BY_NAME_MAX_S = 120;

function section(part: Part, outcome: Outcome | undefined): string {
  const head = [`## ${part.name}`, part.sentence, `    npm run bench -- ${part.name}`];
  if (outcome === undefined) return [...head, 'Not measured yet.'].join('\n\n');
  const { surroundings: at, duration_s, isQuick } = outcome;
  const isLong = duration_s > BY_NAME_MAX_S && part.isCutShort !== true;
  const about =
    `<sub>${at.at} UTC, in ${Math.round(duration_s)} s${isLong ? ' (**more than two minutes**)' : ''}${isQuick ? ', with few rounds (--quick)' : ''}; ` +
    `others used ${shown(at.othersPercent)} % of the processors before it${at.othersPercent > QUIET_PERCENT ? ' (**the machine was not quiet**)' : ''}; ${at.gwe}</sub>`;
  if (outcome.found === undefined) return [...head, `Could not run: ${outcome.cannot}`, about].join('\n\n');
  const { tables, notes = [] } = outcome.found;
  return [...head, ...tables.map(tableText), notes.map((note) => `- ${note}`).join('\n'), about]
    .filter((text) => text !== '')
    .join('\n\n');
}

/** Machine, system and versions: once where they were the same for all parts. */
function machines(kept: ReadonlyArray<{ part: Part; outcome: Outcome }>): string[] {
  const parts = new Map<string, string[]>();
  for (const { part, outcome } of kept) {
    const { machine, system, versions } = outcome.surroundings;
    const what = `${machine}; ${system}; ${versions.replaceAll('\t', ' ')}`;
    parts.set(what, [...(parts.get(what) ?? []), part.name]);
  }
  const lines = [...parts].map(([what, names]) =>
    parts.size === 1 ? what : `- ${names.join(', ')}: ${what}`,
  );
  return ['## Machine and versions', lines.join('\n')];
}

function tableText({ caption, columns, rows, plot }: Table): string {
  const drawing = plot === undefined ? [] : [`![${plot.title}](benchmarks/${plot.name}.svg)`];
  return [`**${caption}**`, markdownTable(columns, rows), ...drawing].join('\n\n');
}

function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
