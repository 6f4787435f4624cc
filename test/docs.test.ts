/** What is written about gwe: links lead somewhere, commands and settings exist, the example builds, lists are complete. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { buildApp } from '../src/app/build.ts';
import { CHECKS } from '../src/app/checks.ts';
import { inspectFile } from '../src/app/inspect.ts';
import { CAUSE_CODES } from '../src/cli/cause-table.ts';
import type { CommandRow } from '../src/cli/command-row.ts';
import { CLIENT_COMMANDS, COMMANDS } from '../src/cli/commands.ts';
import { ENGINE_OPTIONS, HELP_OPTION, type OptionRow } from '../src/cli/options.ts';
import { SETTING_NAMES } from '../src/config/settings.ts';
import { isObject } from '../src/installer/journal-format.ts';

const ROOT = resolve(import.meta.dirname, '..');
const DECISIONS = join(ROOT, 'docs/decisions');
const read = (...path: string[]) => readFileSync(join(ROOT, ...path), 'utf8');
const filesIn = (folder: string, ending: RegExp) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => join(ROOT, folder, name));
const DOCUMENTS = [
  ...readdirSync(ROOT)
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(ROOT, name)),
  ...filesIn('docs', /\.md$/),
  ...filesIn('test/demo', /\.md$/),
];

/** The text without fenced and indented code. */
const prose = (text: string) => text.replace(/^```[\s\S]*?^```/gm, '').replace(/^ {4}.*$/gm, '');

/** The anchors that a page's headings make, as the usual hosts of repositories make them. */
function anchorsOf(text: string): Set<string> {
  const headings = [...prose(text).matchAll(/^#+ +(.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test('every link of every document leads to a file and, where it names one, to a heading of it', () => {
  for (const path of DOCUMENTS) {
    const text = prose(readFileSync(path, 'utf8')).replace(/`[^`\n]*`/g, '');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const to = file === '' ? path : resolve(dirname(path), file);
      assert.ok(existsSync(to), `${relative(ROOT, path)}: ${target}`);
      if (anchor === undefined) continue;
      assert.ok(anchorsOf(readFileSync(to, 'utf8')).has(anchor), `${relative(ROOT, path)}: ${target}`);
    }
  }
});

/** Each line of code in a document: inline, indented and fenced. */
function codeLines(text: string): string[] {
  const inline = [...prose(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  const fenced = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, code = '']) => code.split('\n'));
  const indented = [...text.matchAll(/^ {4,}(.*)$/gm)].map(([, code = '']) => code);
  return [...inline, ...fenced, ...indented];
}

/** What is typed after `program` in a line, where it stands as a command; comments and what follows in a pipe cut off. */
function callsOf(program: string, line: string): string[][] {
  const before = String.raw`(?:^|[;&(:]\s*|\$ |@\S+ )`;
  const call = new RegExp(String.raw`${before}(?:[A-Z_]+=\S* )*${program} ([^#;|&()→]*)`, 'g');
  return [...line.trim().matchAll(call)].map(([, words = '']) => words.trim().split(/\s+/));
}

function problemWith(words: readonly string[], commands: readonly CommandRow[]): string | undefined {
  const typed = words.filter((word) => !word.includes('…'));
  const isCommand = /^[a-z][a-z-]*$/.test(typed[0] ?? '');
  if (!isCommand && !/^-{1,2}[A-Za-z]/.test(typed[0] ?? '')) return undefined;
  const rows = commands.filter(({ name }) => `${typed.join(' ')} `.startsWith(`${name} `));
  const row = rows.toSorted((one, other) => other.name.length - one.name.length)[0];
  const isGroup = commands.some(({ name }) => name.startsWith(`${typed[0]} `)) && typed.length === 1;
  if (isCommand && row === undefined) return isGroup ? undefined : `no command ${typed.join(' ')}`;
  const options: readonly OptionRow[] = [...(row?.options ?? ENGINE_OPTIONS), HELP_OPTION];
  const known = new Set(
    options.flatMap(({ long, short, alias }) => [
      ...[long, alias ?? []].flat().map((name) => `--${name}`),
      ...(short === undefined ? [] : [`-${short}`]),
    ]),
  );
  const flags = typed
    .map((word) => word.replace(/[.,:'"]+$/, '').replace(/=.*$/, ''))
    .filter((word) => /^-{1,2}[A-Za-z]/.test(word));
  return flags.filter((flag) => !known.has(flag)).map((flag) => `no flag ${flag} of ${typed.join(' ')}`)[0];
}

test('every command and flag that a document shows is one of the tables', () => {
  let seen = 0;
  for (const path of DOCUMENTS) {
    for (const line of codeLines(readFileSync(path, 'utf8'))) {
      for (const [program, commands] of [
        ['gwe', COMMANDS],
        ['gdc', CLIENT_COMMANDS],
      ] as const) {
        for (const words of callsOf(program, line)) {
          seen += 1;
          assert.equal(problemWith(words, commands), undefined, `${relative(ROOT, path)}: ${line}`);
        }
      }
    }
  }
  assert.ok(seen > 100);
});

test('every setting that a document names is one of the table', () => {
  const named = /^(?:engine|download|budget|reports|install|outbox|supervisor|security)\.[a-z_]+$/;
  for (const path of DOCUMENTS) {
    for (const [, code = ''] of readFileSync(path, 'utf8').matchAll(/`([a-z_.]+)`/g)) {
      if (!named.test(code) || /\.(?:sh|conf|ts|json)$/.test(code)) continue;
      assert.ok(
        SETTING_NAMES.some((name) => name === code),
        `${relative(ROOT, path)}: ${code}`,
      );
    }
  }
});

test('the example of docs/writing-an-application.md builds, as it stands there', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-docs-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const text = read('docs/writing-an-application.md');
  for (const [, name = '', contents = ''] of text.matchAll(/^`([\w.]+)`:\n\n```\w*\n([\s\S]*?)^```/gm)) {
    writeFileSync(join(folder, name), contents);
    if (name.endsWith('.sh')) chmodSync(join(folder, name), 0o755);
  }
  const facts = await inspectFile(await buildApp(join(folder, 'buildfile.json')));
  assert.deepEqual([facts.name.file, facts.entries], ['hello.v1.tar.gz', 5]);
  assert.ok(facts.hasSupervisorConf && facts.hasHealth && facts.hasUninstall);
});

test('the documents list every check, every cause and every dependency', () => {
  const writing = read('docs/writing-an-application.md');
  for (const { id, sentence } of CHECKS) assert.ok(writing.includes(`| \`${id}\` | ${sentence} |`), id);
  const troubleshooting = read('docs/troubleshooting.md');
  for (const code of CAUSE_CODES) assert.ok(troubleshooting.includes(`\`${code}\``), code);
  for (const { id } of CHECKS)
    assert.ok(/^(health|uninstall)/.test(id) || troubleshooting.includes(`| \`${id}\``), id);
  const manifest: unknown = JSON.parse(read('package.json'));
  const reasons = read('docs/decisions/0010-dependencies.md');
  for (const key of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    const packages = isObject(manifest) ? manifest[key] : undefined;
    for (const name of Object.keys(isObject(packages) ? packages : {}))
      assert.ok(reasons.includes(name), name);
  }
});

test('every message of docs/troubleshooting.md is one that gwe has', () => {
  const source = filesIn('src', /\.(?:ts|sh)$/)
    .map((path) => readFileSync(path, 'utf8'))
    .flatMap((text) => [text, text.replace(/\$\{[^{}]*\}/g, '…')])
    .join('\n');
  const bold = [...read('docs/troubleshooting.md').matchAll(/^\*\*([^*]+)\*\*/gm)].map(
    ([, text = '']) => text,
  );
  assert.ok(bold.length > 50);
  for (const text of bold) {
    const parts = text
      .split(/…|\d+|[:;,"/]|SIG[A-Z]+|\b\w+\.sh\b/)
      .map((part) => part.trim().replace(/\.$/, ''));
    for (const part of parts.filter((each) => each.split(' ').length > 2)) {
      assert.ok(source.includes(part), `"${part}" of "${text}"`);
    }
  }
});

test('each decision has a number of its own, and the index has them all', () => {
  const files = readdirSync(DECISIONS).filter((name) => /^\d{4}-/.test(name));
  const numbers = files.map((name) => Number(name.slice(0, 4)));
  assert.equal(new Set(numbers).size, numbers.length);
  const index = read('docs/decisions/README.md');
  for (const name of files) {
    const [, number, title] = read('docs/decisions', name).match(/^# (\d+)\. (.+)\n/) ?? [];
    assert.equal(Number(number), Number(name.slice(0, 4)), name);
    assert.ok(index.includes(`| ${number} | [${title}](${name}) |`), `the index lacks ${name}: ${title}`);
  }
});

test('no document and no source names a path of the machine it was written on', () => {
  const around = dirname(ROOT);
  const foreign = around === tmpdir() ? [ROOT] : readdirSync(around).map((name) => join(around, name));
  for (const path of [...DOCUMENTS, ...filesIn('src', /\.\w+$/), ...filesIn('test', /\.(?:ts|mjs|sh)$/)]) {
    const text = readFileSync(path, 'utf8');
    for (const place of foreign) assert.ok(!text.includes(place), `${relative(ROOT, path)} names ${place}`);
  }
});
