import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GweError } from '../../src/errors.ts';
import { programHealth } from '../../src/supervisor/health.ts';
import { programText } from '../../src/supervisor/program.ts';
import { connectSupervisor, type ProcessInfo, type Supervisor } from '../../src/supervisor/supervisor.ts';
import { assertEnds } from '../alive.ts';
import { lacks } from '../debian.ts';
import { eventually, type RealSupervisord, startSupervisord } from './real-supervisord.ts';

const LOOP = 'sleep 3600';
const program = (app: string, command = LOOP, more = '') =>
  `[program:${app}]\ncommand=${command}\nstartsecs=0\nstopwaitsecs=1\nstdout_logfile=NONE\nstderr_logfile=NONE\n${more}`;

const isSupervisorError = (pattern: RegExp) => (error: unknown) =>
  error instanceof GweError && error.code === 'supervisor' && pattern.test(`${error.message} ${error.hint}`);

describe('with a real supervisord', { skip: lacks('supervisor') }, () => {
  let real: RealSupervisord;
  let supervisor: Supervisor;
  before(async () => {
    real = await startSupervisord({ bystander: program('bystander'), gwe: program('gwe') });
    supervisor = connectSupervisor(real.socket);
    await running('bystander');
  });
  after(() => real.stop());

  const running = (app: string) =>
    eventually(async () => {
      const [process] = await supervisor.programState(app);
      return process?.state === 'RUNNING' ? process : undefined;
    }, `${app} RUNNING`);
  const state = (app: string, wanted: string) =>
    eventually(
      async () => (await supervisor.programState(app)).find((each) => each.state === wanted),
      `${app} ${wanted}`,
    );
  test('a new program is running when it has been taken up', async () => {
    real.writeProgram('fresh', program('fresh'));
    await supervisor.takeUp('fresh');
    const [process] = await supervisor.programState('fresh');
    assert.equal(process?.state, 'RUNNING');
    assert.ok((process?.pid ?? 0) > 0);
    assert.ok((process?.start_s ?? 0) > 1_000_000_000);
  });

  test('an unchanged program runs again with another process id, a changed one with its new command', async () => {
    real.writeProgram('again', program('again'));
    await supervisor.takeUp('again');
    const first = await running('again');
    await supervisor.takeUp('again');
    const second = await running('again');
    assert.notEqual(second.pid, first.pid);
    real.writeProgram('again', program('again', 'sleep 7200'));
    await supervisor.takeUp('again');
    const third = await running('again');
    assert.notEqual(third.pid, second.pid);
  });

  test('no other program is touched, whatever else has changed in the configuration meanwhile', async () => {
    const bystander = await running('bystander');
    const gwe = await running('gwe');
    real.writeProgram('bystander', program('bystander', 'sleep 1234'));
    real.writeProgram('gwe', program('gwe', 'sleep 1234'));
    real.writeProgram('unasked', program('unasked'));
    real.writeProgram('mine', program('mine'));
    await supervisor.takeUp('mine');
    await supervisor.remove('mine');
    assert.equal((await running('bystander')).pid, bystander.pid);
    assert.equal((await running('gwe')).pid, gwe.pid);
    assert.deepEqual(await supervisor.programState('unasked'), []);
  });

  test('a program that others removed from the configuration goes on when ours is taken up', async () => {
    real.writeProgram('orphan', program('orphan'));
    await supervisor.takeUp('orphan');
    const { pid } = await running('orphan');
    unlinkSync(join(real.confFolder, 'orphan.conf'));
    real.writeProgram('mine', program('mine'));
    await supervisor.takeUp('mine');
    assert.equal((await running('orphan')).pid, pid);
    await supervisor.remove('orphan');
    assert.deepEqual(await supervisor.programState('orphan'), []);
  });

  test('removing a program stops it, and removing one that is not there is fine', async () => {
    real.writeProgram('short', program('short'));
    await supervisor.takeUp('short');
    const { pid } = await running('short');
    unlinkSync(join(real.confFolder, 'short.conf'));
    await supervisor.remove('short');
    assert.deepEqual(await supervisor.programState('short'), []);
    await assertEnds(pid);
    await supervisor.remove('short');
    await supervisor.remove('never-there');
  });

  test('gwe does not stop itself, neither by its name nor under another', async () => {
    const { pid } = await running('gwe');
    await assert.rejects(supervisor.takeUp('gwe'), isSupervisorError(/gwe itself/));
    await assert.rejects(supervisor.remove('gwe'), isSupervisorError(/gwe itself/));
    assert.equal((await running('gwe')).pid, pid);
  });

  test('a program that cannot be started is taken up all the same, and its state says why', async () => {
    real.writeProgram('broken', program('broken', '/there/is/no/such/file', 'startretries=0\n'));
    await supervisor.takeUp('broken');
    const process = await state('broken', 'FATAL');
    assert.match(process.spawnError, /can't find command/);
    assert.match(programHealth([process]).why, /FATAL .*no\/such\/file/);
    real.writeProgram('broken', program('broken'));
    await supervisor.takeUp('broken');
    assert.equal((await running('broken')).state, 'RUNNING');
  });

  test('a program that keeps crashing (BACKOFF) is replaced by its repaired successor', async () => {
    real.writeProgram(
      'crashing',
      program('crashing', 'false', 'startsecs=5\nstartretries=1000\n').replace('startsecs=0\n', ''),
    );
    await supervisor.takeUp('crashing');
    const process = await state('crashing', 'BACKOFF');
    assert.equal(programHealth([process]).state, 'starting');
    real.writeProgram('crashing', program('crashing'));
    await supervisor.takeUp('crashing');
    await running('crashing');
  });

  test('a program that ended is started again, and its exit status is told', async () => {
    real.writeProgram('job', program('job', 'sh -c "exit 7"', 'autorestart=false\n'));
    await supervisor.takeUp('job');
    const ended = await state('job', 'EXITED');
    assert.equal(ended.exitStatus, 7);
    assert.match(programHealth([ended]).why, /EXITED with 7/);
    await supervisor.takeUp('job');
    const again = await state('job', 'EXITED');
    assert.ok(again.start_s >= ended.start_s);
  });

  test('a program with autostart=false waits to be started, and is restarted when it ran', async () => {
    real.writeProgram('manual', program('manual', LOOP, 'autostart=false\n'));
    await supervisor.takeUp('manual');
    assert.equal((await supervisor.programState('manual'))[0]?.state, 'STOPPED');
    const { exchange } = await import('../../src/supervisor/exchange.ts');
    const { encodeCall } = await import('../../src/supervisor/xmlrpc.ts');
    await exchange(real.socket, encodeCall('supervisor.startProcess', ['manual', true]), 10_000);
    const { pid } = await running('manual');
    await supervisor.takeUp('manual');
    assert.notEqual((await running('manual')).pid, pid);
  });

  test('a program that ignores TERM is waited for until supervisord has killed it', async () => {
    const deaf = join(real.folder, 'deaf');
    const stubborn = `sh -c "trap '' TERM; : >${deaf}; while :; do sleep 3600 & wait; done"`;
    real.writeProgram('stubborn', program('stubborn', stubborn, 'killasgroup=true\n'));
    await supervisor.takeUp('stubborn');
    const { pid } = await running('stubborn');
    while (!existsSync(deaf)) await new Promise(setImmediate);
    const { exchange } = await import('../../src/supervisor/exchange.ts');
    const { encodeCall } = await import('../../src/supervisor/xmlrpc.ts');
    await exchange(real.socket, encodeCall('supervisor.stopProcess', ['stubborn', false]), 10_000);
    assert.equal((await supervisor.programState('stubborn'))[0]?.state, 'STOPPING');
    await supervisor.takeUp('stubborn');
    assert.notEqual((await running('stubborn')).pid, pid);
  });

  test('several processes of one program are all taken up and all removed', async () => {
    const many = 'numprocs=3\nprocess_name=%(program_name)s_%(process_num)d\n';
    real.writeProgram('many', program('many', LOOP, many));
    await supervisor.takeUp('many');
    const names = (await supervisor.programState('many')).map(({ name }) => name).sort();
    assert.deepEqual(names, ['many_0', 'many_1', 'many_2']);
    await supervisor.remove('many');
    assert.deepEqual(await supervisor.programState('many'), []);
  });

  test('a program file that supervisord does not read is said to be so', async () => {
    await assert.rejects(
      supervisor.takeUp('nowhere'),
      isSupervisorError(/reads no \[program:nowhere\].*\[include\]/s),
    );
  });

  test('a configuration that supervisord refuses is told with its reason, and removing still works', async () => {
    real.writeProgram('good', program('good'));
    await supervisor.takeUp('good');
    real.writeProgram('bad', '[program:bad]\nstartsecs=soon\n');
    await assert.rejects(
      supervisor.takeUp('good'),
      isSupervisorError(/refuses its configuration.*program:bad/s),
    );
    assert.equal((await running('good')).state, 'RUNNING');
    await supervisor.remove('good');
    assert.deepEqual(await supervisor.programState('good'), []);
    unlinkSync(join(real.confFolder, 'bad.conf'));
  });

  test('what programText makes of a supervisor.conf is taken up, percent signs, quotes, continuations and all', async () => {
    const section = new Map([
      ['command', `sh -c 'echo "100%% <&> ünïcode $GREETING"; exec sleep 3600'`],
      ['environment', '\nGREETING="hello, world",\nOTHER=%(program_name)s'],
      ['startsecs', '0'],
      ['unknown_key', '50% off'],
    ]);
    real.writeProgram('spoken', programText('spoken', section, real.logFolder));
    await supervisor.takeUp('spoken');
    await running('spoken');
    const { readFileSync } = await import('node:fs');
    const spoken = await eventually(async () => {
      const text = readFileSync(join(real.logFolder, 'spoken.log'), 'utf8');
      return text === '' ? undefined : text;
    }, 'output in the log');
    assert.equal(spoken, '100% <&> ünïcode hello, world\n');
  });
});

test('without a socket, without permission, without a listener: each is said in its own words', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-sv-'));
  const at = (name: string) => connectSupervisor(join(folder, name)).processes();
  await assert.rejects(at('none'), isSupervisorError(/there is no such socket.*supervisor\.socket/s));
  writeFileSync(join(folder, 'file'), '');
  await assert.rejects(at('file'), isSupervisorError(/nobody listens/));
  if (process.getuid?.() !== 0) {
    chmodSync(folder, 0);
    await assert.rejects(at('none'), isSupervisorError(/permission denied/));
    chmodSync(folder, 0o700);
  }
  await assert.rejects(at('x'.repeat(300)), isSupervisorError(/Cannot talk to supervisord/));
  rmSync(folder, { recursive: true });
});

/** Something that is no supervisord behind a socket. */
async function withServer(listener: RequestListener, act: (socket: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-sv-'));
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
  try {
    await act(join(folder, 's'));
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  }
}

test('a supervisord that asks for a password is told apart', () =>
  withServer(
    (_, answer) => void answer.writeHead(401).end('no'),
    (socket) => assert.rejects(connectSupervisor(socket).processes(), isSupervisorError(/401.*password/s)),
  ));

test('a supervisord that never answers, or answers without end, is given up', async () => {
  await withServer(
    () => {},
    (socket) =>
      assert.rejects(
        connectSupervisor(socket, { timeout_ms: 50 }).processes(),
        isSupervisorError(/no answer within 0.05 s/),
      ),
  );
  await withServer(
    (_, answer) => {
      const more = () => {
        while (answer.write('x'.repeat(65_536)));
      };
      answer.on('drain', more);
      more();
    },
    (socket) => assert.rejects(connectSupervisor(socket).processes(), { code: 'protocol' }),
  );
});

test('an answer that breaks off or is no HTTP is an error, not a crash', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-sv-'));
  const socket = join(folder, 's');
  const server = createSocketServer((connection) => connection.end('SSH-2.0-hello\r\n'));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  await assert.rejects(connectSupervisor(socket).processes(), isSupervisorError(/Cannot talk/));
  server.close();
  rmSync(folder, { recursive: true });
  await withServer(
    (_, answer) => {
      answer.writeHead(200, { 'Content-Length': '100' }).write('<?xml');
      setImmediate(() => answer.destroy());
    },
    (path) => assert.rejects(connectSupervisor(path).processes(), isSupervisorError(/Cannot talk/)),
  );
  await withServer(
    (_, answer) =>
      void answer.end(
        '<methodResponse><params><param><value><int>3</int></value></param></params></methodResponse>',
      ),
    (path) => assert.rejects(connectSupervisor(path).processes(), { code: 'protocol' }),
  );
});

const process_ = (more: Partial<ProcessInfo>): ProcessInfo => ({
  name: 'a',
  group: 'a',
  state: 'RUNNING',
  start_s: 10,
  stop_s: 0,
  now_s: 20,
  exitStatus: 0,
  pid: 5,
  spawnError: '',
  ...more,
});

test('a program that crashed and was started again between two looks is not healthy', () => {
  assert.equal(programHealth([process_({ pid: 6 })], [process_({ pid: 5 })]).state, 'down');
  assert.equal(programHealth([process_({})], [process_({})]).state, 'up');
  assert.equal(programHealth([process_({})], [process_({ state: 'STARTING', pid: 4 })]).state, 'up');
});

test('one process of several that is down makes the program down, one that starts makes it starting', () => {
  const [up, starting, down] = [
    process_({}),
    process_({ name: 'b', state: 'STARTING' }),
    process_({ name: 'c', state: 'FATAL' }),
  ];
  assert.equal(programHealth([up, starting, down]).state, 'down');
  assert.equal(programHealth([up, starting]).state, 'starting');
  assert.equal(programHealth([]).state, 'down');
  assert.equal(programHealth([process_({ state: 'STOPPED', start_s: 0, pid: 0 })]).state, 'starting');
  assert.equal(programHealth([process_({ state: 'STOPPED', pid: 0 })]).state, 'down');
});
