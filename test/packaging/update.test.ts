/**
 * install.sh of gwe's own application tarball, and the program of supervisord that finds out whether the new file can be
 * started at all. Small scripts stand for gwe's single files; the scripts under test are the shipped ones.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { installScript, updateScript } from '../../src/packaging/scripts.ts';
import { BARE_PATH, GWE_FILE, run, tempFolder, writeProgram } from './kit.ts';

/** Commands by which the script changes the disk, or reads what it decides by. */
const COMMANDS = ['rm', 'ln', 'cp', 'chmod', 'sync', 'mv', 'cat', 'cmp', 'sed'];

interface Gateway {
  folder: string;
  target: string;
  state: string;
  /** Runs the update's install.sh, as gwe does. */
  update(env?: Record<string, string>): ReturnType<typeof run>;
  /** What the file under gwe's name says of itself. */
  version(): string;
}

/** What stands for gwe; by default all goes well with it. */
const gweText = (version: string, { selfTest = 0, once = 'exit 0' } = {}): string => `#!/bin/sh
case $1 in
  --version) echo "gwe ${version} (commit x)" ;;
  --self-test) exit ${selfTest} ;;
  --once) ${once} ;;
  *) echo "${version} runs" ;;
esac
`;

function gateway(t: TestContext, newText: string, shell = ['/bin/sh']): Gateway {
  const folder = tempFolder(t);
  const [staging, state, target] = [
    join(folder, 'staging'),
    join(folder, "it's state"),
    join(folder, 'bin', 'gwe'),
  ];
  mkdirSync(state);
  writeProgram(target, gweText('1'));
  writeProgram(join(staging, GWE_FILE), newText);
  const script = writeProgram(join(staging, 'install.sh'), updateScript());
  const own = { GWE_EXECUTABLE: target, GWE_STATE_DIR: state };
  return {
    folder,
    target,
    state,
    update: (env = {}) => run([...shell, script], { ...own, ...env }, staging),
    version: () => run([target, '--version'], {}).said.trim(),
  };
}

const SETTLED = ['gwe', 'gwe.previous'];

test('an update lays the new file in place, keeps the old one, and announces the trial', (t) => {
  const { update, version, target, state, folder } = gateway(t, gweText('2'));
  const { status, said } = update();
  assert.equal(status, 0, said);
  assert.match(said, /is now gwe 2 .* on trial; the version before is kept as .*gwe\.previous/);
  assert.equal(version(), 'gwe 2 (commit x)');
  assert.match(run([`${target}.previous`, '--version'], {}).said, /^gwe 1 /);
  assert.equal(readFileSync(join(state, 'self-update'), 'utf8'), `previous=${target}.previous\nstarts=0\n`);
  assert.deepEqual(readdirSync(state).sort(), ['self-update', 'start.sh']);
  assert.deepEqual(readdirSync(join(folder, 'bin')).sort(), SETTLED);
});

test('a file that does not pass its own self-test never gets the name', (t) => {
  for (const text of [gweText('2', { selfTest: 1 }), 'no program at all']) {
    const { update, version, state, folder } = gateway(t, text);
    const { status, said } = update();
    assert.equal(status, 1);
    assert.match(said, /does not pass its self-test/);
    assert.equal(version(), 'gwe 1 (commit x)');
    assert.deepEqual(readdirSync(state), []);
    assert.deepEqual(readdirSync(join(folder, 'bin')), ['gwe']);
  }
});

test('the version that is there already is left alone', (t) => {
  const { update, state } = gateway(t, gweText('1'));
  assert.match(update().said, /is this version already: gwe 1 /);
  assert.deepEqual(readdirSync(state), []);
});

test('a tarball without this architecture, and a gwe that runs from source, are refused with the reason', (t) => {
  const { update, folder } = gateway(t, gweText('2'));
  const refused = update({ GWE_EXECUTABLE: '/usr/bin/node' });
  assert.equal(refused.status, 1);
  assert.match(refused.said, /gwe does not run from its single file/);
  rmSync(join(folder, 'staging', GWE_FILE));
  assert.match(update().said, /this tarball has no gwe-linux-/);
});

test('killed before any of its commands, the update can be run again and ends the same way', (t) => {
  let points = 0;
  for (let kill = 1; ; kill += 1) {
    const { update, version, state, folder } = gateway(t, gweText('2'));
    const commands = join(folder, 'commands');
    for (const name of COMMANDS) writeProgram(join(commands, name), killingCommand(name, folder));
    const ended = update({ PATH: `${commands}:${BARE_PATH}`, KILL_AT: String(kill) });
    assert.match(version(), /^gwe [12] /, `no gwe after a kill at command ${kill}`);
    if (version().startsWith('gwe 2')) assertTrial(state, join(folder, 'bin'), kill);
    const again = update();
    assert.equal(again.status, 0, `run again after a kill at command ${kill}: ${again.said}`);
    assert.match(version(), /^gwe 2 /);
    assertTrial(state, join(folder, 'bin'), kill);
    if (ended.status === 0 && Number(readFileSync(join(folder, 'count'), 'utf8')) < kill) break;
    points = kill;
  }
  assert.ok(points >= 15, `only ${points} points were tried`);
});

/** Whoever finds the new file under gwe's name must find the way back too. */
function assertTrial(state: string, bin: string, kill: number): void {
  for (const path of [join(state, 'self-update'), join(state, 'start.sh'), join(bin, 'gwe.previous')]) {
    assert.ok(existsSync(path), `${path} is missing after a kill at command ${kill}`);
  }
}

/** Stands before a command: kills whoever calls it, when it is the KILL_ATth call. */
const killingCommand = (name: string, folder: string): string => `#!/bin/sh
PATH=${BARE_PATH}
n=$(($(cat '${folder}/count' 2>/dev/null || echo 0) + 1)); echo $n >'${folder}/count'
[ $n -ne "$KILL_AT" ] || kill -9 $PPID
exec ${name} "$@"
`;

test('supervisord goes back to the old file by itself when the new one cannot complete a check-in', (t) => {
  const bad = { crashes: 'exit 1', 'is killed': 'kill -9 $$' };
  for (const [how, once] of Object.entries(bad)) {
    const { update, version, state, target, folder } = gateway(t, gweText('2', { once }));
    assert.equal(update().status, 0);
    const { said } = run(['/bin/sh', '-c', supervisedCommand(target)], {
      GWE_STATE_DIR: state,
      PATH: quickPath(folder),
    });
    assert.match(said, /start 3 of 3/, how);
    assert.match(said, /^1 runs$/m, 'it goes on as the old gwe');
    assert.equal(version(), 'gwe 1 (commit x)');
    assert.deepEqual(readdirSync(state), ['self-update-failed']);
  }
});

test('under busybox the way back works too', (t) => {
  const { update, version, state, target, folder } = gateway(t, gweText('2', { once: 'exit 1' }), [
    '/bin/busybox',
    'sh',
  ]);
  assert.equal(update().status, 0);
  run(['/bin/busybox', 'sh', '-c', supervisedCommand(target)], {
    GWE_STATE_DIR: state,
    PATH: quickPath(folder),
  });
  assert.equal(version(), 'gwe 1 (commit x)');
});

test('without a trial supervisord starts gwe, and nothing is between them', (t) => {
  const { target, state } = gateway(t, gweText('2'));
  const command = supervisedCommand(target);
  assert.equal(run(['/bin/sh', '-c', command], { GWE_STATE_DIR: state }).said, '1 runs\n');
});

/** The command of gwe.conf, as install.sh writes it, for a gwe that lies elsewhere. */
function supervisedCommand(target: string): string {
  const command = installScript().match(/^command=\/bin\/sh -c '(.*)'$/m)?.[1];
  assert.ok(command !== undefined, 'gwe.conf has no such command');
  return command.replace('@GWE@', target);
}

/** A path on which the pauses of the trial take no time. */
function quickPath(folder: string): string {
  writeProgram(join(folder, 'quick', 'sleep'), '#!/bin/sh\n[ "$1" = 1 ] || exit 0\nPATH=/bin exec sleep 1\n');
  return `${join(folder, 'quick')}:${BARE_PATH}`;
}
