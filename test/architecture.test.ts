/** The tree is the architecture: who may import whom, and how deep it may be. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative, resolve } from 'node:path';
import { test } from 'node:test';

const SRC = resolve(import.meta.dirname, '../src');
const BELOW_INSTALLER = ['client', 'app', 'supervisor', 'reports', 'config', 'host', ''];
/** Folder → the folders whose files it may import; '' is errors.ts. */
const ALLOWED: Record<string, readonly string[]> = {
  cli: ['engine', 'installer', ...BELOW_INSTALLER, 'platform'],
  engine: ['installer', ...BELOW_INSTALLER],
  installer: BELOW_INSTALLER,
  client: ['host', ''],
  app: ['host', ''],
  supervisor: ['host', ''],
  reports: ['host', ''],
  config: ['host', ''],
  platform: ['client', 'app', 'host', ''],
  host: [''],
  ui: [],
  packaging: ['engine', 'app', 'host', ''],
};

interface Import {
  from: string;
  to: string;
  lazy: boolean;
  typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const pattern = /^(?:import|export)\s+(type\s)?[^;'"]*?from\s+'(\.[^']+)'|import\('(\.[^']+)'\)/gm;
  return [...text.matchAll(pattern)].map(([, type, fixed, lazy]) => ({
    from: file,
    to: normalize(join(dirname(file), fixed ?? lazy ?? '')),
    lazy: lazy !== undefined,
    typeOnly: type !== undefined,
  }));
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
const imports = files.flatMap(importsOf);
const folderOf = (file: string) => (file.includes('/') ? (file.split('/')[0] ?? '') : '');

test('the tree has two levels, and only the folders that docs/architecture.md explains', () => {
  const folders = readdirSync(SRC, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  assert.deepEqual(folders.map((entry) => entry.name).sort(), Object.keys(ALLOWED).sort());
  for (const file of files) assert.ok(file.split('/').length <= 2, `${file} lies too deep`);
  const text = readFileSync(resolve(SRC, '../docs/architecture.md'), 'utf8');
  for (const folder of Object.keys(ALLOWED)) assert.match(text, new RegExp(`^ +${folder}/ `, 'm'));
});

test('imports go one way', () => {
  for (const { from, to, lazy } of imports) {
    const [here, there] = [folderOf(from), folderOf(to)];
    if (here === there || here === '') continue;
    // Run from source, the platform bundles its page; in the single file another module stands there.
    if (from === 'platform/page-files.ts' && to === 'packaging/page.ts' && lazy) continue;
    assert.ok(ALLOWED[here]?.includes(there), `${from} must not import ${to}`);
    if (here === 'platform' && there === 'client')
      assert.equal(to, 'client/wire.ts', `${from} imports ${to}`);
    if (there === '') assert.equal(to, 'errors.ts', `${from} imports ${to}`);
  }
});

test('the platform is loaded only when it is called', () => {
  const eager = imports.filter(({ from, to, lazy, typeOnly }) => {
    return folderOf(to) === 'platform' && folderOf(from) !== 'platform' && !lazy && !typeOnly;
  });
  assert.deepEqual(eager, []);
});

test('no module waits for itself while it is loaded', () => {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly, lazy } of imports) {
    if (!typeOnly && !lazy) next.set(from, [...(next.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (done.has(file)) return;
    assert.ok(!path.includes(file), `a cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
    for (const to of next.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
});

test('every import leads to a file', () => {
  for (const { from, to } of imports) assert.ok(files.includes(to), `${from} imports ${relative('.', to)}`);
});
