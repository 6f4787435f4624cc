import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CLIENT_COMMANDS, COMMAND_GROUPS, COMMANDS } from '../../src/cli/commands.ts';
import { bashCompletion } from '../../src/cli/completion.ts';
import { commandTerm } from '../../src/cli/describe.ts';
import { clientHelp, commandHelp, programHelp } from '../../src/cli/help.ts';
import { manPage } from '../../src/cli/man-page.ts';
import { ENGINE_OPTIONS, OPTION_GROUPS } from '../../src/cli/options.ts';
import { TEXT_WIDTH_COLUMNS, wrap } from '../../src/cli/wrap.ts';
import { findPlaces } from '../../src/config/places.ts';
import { generatedDocuments } from '../docs.ts';
import { scratchMachine } from './call.ts';

const help = programHelp(findPlaces({}, true));

test('the documents in docs/ are what the tables give; else run: npm run docs', () => {
  for (const [path, text] of generatedDocuments()) assert.equal(readFileSync(path, 'utf8'), text, path);
});

test('the help names every flag and every command, and fits its width', () => {
  for (const { long, short } of ENGINE_OPTIONS) {
    assert.ok(help.includes(`--${long}`), long);
    if (short !== undefined) assert.ok(help.includes(`-${short}, --${long}`), short);
  }
  for (const row of COMMANDS) assert.ok(help.includes(commandTerm(row)), row.name);
  for (const text of [
    help,
    clientHelp(),
    ...COMMANDS.map((row) => commandHelp('gwe', row)),
    ...CLIENT_COMMANDS.map((row) => commandHelp('gdc', row)),
  ]) {
    for (const line of text.split('\n')) assert.ok(line.length <= TEXT_WIDTH_COLUMNS, line);
    assert.ok(!/[ \t]$/m.test(text));
  }
});

test('the help says where files are and what the exit statuses mean', () => {
  for (const word of [
    '/etc/gwe/Gateway.cfg',
    '/var/lib/gwe/journal/',
    'WINCH',
    'GWE_STATE_DIR',
    'Exit status',
  ]) {
    assert.ok(help.includes(word), word);
  }
});

test('every row is complete: a group that is shown, a sentence that ends, one flag a name', () => {
  for (const { group, sentence } of ENGINE_OPTIONS) {
    assert.ok(OPTION_GROUPS.some((each) => each === group));
    assert.match(sentence, /\.$/);
  }
  for (const row of [...COMMANDS, ...CLIENT_COMMANDS]) {
    assert.match(row.sentence, /\.$/, row.name);
    const names = ['help', 'h', ...row.options.flatMap(({ long, short }) => [long, short ?? []].flat())];
    assert.equal(new Set(names).size, names.length, row.name);
  }
  assert.ok(COMMANDS.every(({ group }) => COMMAND_GROUPS.some((each) => each === group)));
});

test('every command of the tables can be loaded', async () => {
  for (const row of [...COMMANDS, ...CLIENT_COMMANDS]) {
    assert.equal(typeof (await row.load()).run, 'function', row.name);
  }
});

test('a command has its own help', async (t) => {
  const { call } = scratchMachine(t);
  const shown = await call(['config', 'set', '--help']);
  assert.equal(shown.status, 0);
  assert.match(shown.out, /Usage:\n {2}gwe config set SECTION\.KEY VALUE\n/);
  assert.equal((await call(['help', 'config', 'set'])).out, shown.out);
  assert.equal((await call(['--help'])).out, (await call(['help'])).out);
});

test('text is wrapped between words', () => {
  assert.equal(wrap('one two three', 2, 9), '  one two\n  three\n');
});

test('groff reads the manual page without a warning', {
  skip: !canRun('groff', '--version') && 'needs groff',
}, () => {
  const { status, stderr } = spawnSync('groff', ['-man', '-Tutf8', '-ww'], {
    input: manPage(),
    encoding: 'utf8',
  });
  assert.deepEqual([status, stderr], [0, '']);
});

test('the manual page names every flag and command', () => {
  const plain = manPage().replaceAll('\\-', '-');
  for (const { long } of ENGINE_OPTIONS) assert.ok(plain.includes(`--${long}`), long);
  for (const { name } of COMMANDS) assert.ok(plain.includes(`.B gwe ${name}`), name);
});

test('bash completes commands, flags, and values', {
  skip: !canRun('bash', '--version') && 'needs bash',
}, (t) => {
  const { folder } = scratchMachine(t);
  const script = join(folder, 'completion');
  writeFileSync(script, bashCompletion());
  writeFileSync(join(folder, 'app.v1.tar.gz'), '');
  const complete = (...words: string[]): string[] => {
    const list = words.map((word) => `'${word}'`).join(' ');
    const line = `source ${script}; COMP_WORDS=(${list}); COMP_CWORD=$((\${#COMP_WORDS[@]}-1)); _${'gwe'} "\${COMP_WORDS[0]}"; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', line], { cwd: folder, encoding: 'utf8' });
    assert.equal(stderr, '');
    return stdout
      .split('\n')
      .filter((each) => each !== '')
      .sort();
  };
  assert.deepEqual(complete('gwe', 'st'), ['status']);
  assert.deepEqual(complete('gwe', '--set-u'), ['--set-update-interval', '--set-user-agent', '--set-uuid']);
  assert.deepEqual(complete('gwe', '-d', 'W'), ['WARNING']);
  assert.deepEqual(complete('gwe', '--set-debug-level', '=', 'D'), ['DEBUG']);
  assert.deepEqual(complete('gwe', '-z', 'app'), ['app.v1.tar.gz']);
  assert.deepEqual(complete('gwe', '-u', ''), []);
  assert.deepEqual(complete('gwe', '-t', '60', '--onc'), ['--once']);
  assert.deepEqual(complete('gwe', 'config', ''), ['get', 'list', 'set']);
  assert.deepEqual(complete('gwe', 'config', 'get', 'install.time'), ['install.timeout']);
  assert.deepEqual(complete('gwe', 'status', '--'), ['--help', '--json']);
  assert.deepEqual(complete('gwe', 'sign', 'app'), ['app.v1.tar.gz']);
  assert.deepEqual(complete('gwe', 'completion', ''), ['bash']);
  assert.deepEqual(complete('/usr/local/bin/gdc', 'wr'), ['write']);
  assert.ok(complete('gwe', '--mac-address', '').includes('lo'));
});

function canRun(file: string, ...args: string[]): boolean {
  return spawnSync(file, args, { stdio: 'ignore' }).status === 0;
}
