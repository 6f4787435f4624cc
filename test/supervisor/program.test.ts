import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { GweError } from '../../src/errors.ts';
import { parseIni } from '../../src/host/ini.ts';
import { programText } from '../../src/supervisor/program.ts';
import { lacks } from '../debian.ts';

const section = (text: string) => parseIni(`[supervisord]\n${text}`).get('supervisord') ?? new Map();
const made = (text: string, app = 'pump', logFolder = '/var/log') =>
  programText(app, section(text), logFolder);

test('what the section leaves out is filled in as the original does', () => {
  assert.equal(
    made('command = ./run.sh'),
    `; Written by gwe from the supervisor.conf of pump: changes here last until its next update.
[program:pump]
command=./run.sh
stdout_logfile=/var/log/pump.log
redirect_stderr=true
stdout_logfile_maxbytes=200KB
stdout_logfile_backups=1
`,
  );
  assert.match(made(''), /^command=command$/m);
});

test('what the section says itself wins, and keys that nobody knows stay', () => {
  const text = made('command=x\nredirect_stderr=false\nstdout_logfile=/tmp/own.log\nx_mine = 50%');
  assert.match(text, /^redirect_stderr=false$/m);
  assert.match(text, /^stdout_logfile=\/tmp\/own\.log$/m);
  assert.match(text, /^x_mine=50%$/m);
  assert.equal(text.match(/redirect_stderr/g)?.length, 1);
});

test('a value over several lines stays one value', () => {
  const text = made('command=x\nenvironment =\n  A="1",\n  B="2"\npriority=5');
  assert.match(text, /^environment=\n {4}A="1",\n {4}B="2"\npriority=5$/m);
});

test('no value can open a section or a key of its own', () => {
  for (const lineBreak of ['\n', '\r', '\r\n']) {
    const values = new Map([['command', `x${lineBreak}[program:evil]${lineBreak}${lineBreak}command=y`]]);
    const lines = programText('pump', values, '/var/log').split(/\r\n|\r|\n/);
    assert.deepEqual(
      lines.filter((line) => /^\[/.test(line)),
      ['[program:pump]'],
    );
    assert.equal(lines.filter((line) => line.startsWith('command=')).length, 1);
  }
  assert.throws(() => programText('pump', new Map([['a\n[program:x]', 'y']]), '/var/log'), { code: 'check' });
  for (const app of ['a]\n[b', 'a b', 'a:b', '', '../x']) {
    assert.throws(() => programText(app, new Map([['command', 'x']]), '/var/log'), { code: 'check' }, app);
  }
});

/** Each line alone is the section, beside `command=x` where it has none. */
const ACCEPTED = [
  'command=sh -c "echo 100%% %(program_name)s %(process_num)02d %(ENV_PATH)s" ; a comment',
  'autostart=TRUE',
  'autorestart=unexpected',
  'startsecs=+3',
  'startsecs=1 ; 100% sure',
  'stopsignal=sigusr1',
  'stopsignal=15',
  'exitcodes=0, 2,255',
  'exitcodes=',
  'umask=022',
  'stdout_logfile_maxbytes=1 MB',
  'stdout_logfile_maxbytes=0',
  'stdout_logfile=NONE',
  'stdout_logfile=relative.log',
  'stdout_logfile=/tmp/a%%%%b.log',
  'stdout_logfile=/tmp/%(program_name)s.log',
  'environment=A="1,2",B=\'x y\',C=/a/b.c-d(e):f+g',
  'environment=A="%(program_name)s-%(process_num)d",',
  'environment=',
  'environment=A="100%%"',
  'numprocs=2\nprocess_name=%(program_name)s_%(process_num)02d',
  'numprocs=1\nnumprocs_start=4',
  'stopasgroup=true',
  'stopasgroup=true\nkillasgroup=true',
  'directory=/no/such/folder/%(process_num)d',
  'user=root',
  'unknown=100% %(nonsense)s',
  'directory=%(ENV_HOME)s/%(here)s',
];
const REFUSED = [
  'command=echo 100%',
  'command=echo %(nonsense)s',
  'command=echo %(program_name)d',
  'command=echo %%%',
  'autostart=maybe',
  'autorestart=sometimes',
  'startsecs=soon',
  'startsecs=1.5',
  'startsecs=',
  'startretries=%(process_num)d',
  'stopsignal=NOPE',
  'stopsignal=99',
  'exitcodes=256',
  'exitcodes=0,',
  'exitcodes=a',
  'umask=9',
  'umask=rw',
  'stdout_logfile_maxbytes=1 TB',
  'stdout_logfile_maxbytes=much',
  'stdout_logfile=/no/such/folder/x.log',
  'stdout_logfile=/tmp/a%%b.log',
  'stderr_logfile=/no/such/folder/x.log',
  'environment=A',
  'environment=A=',
  'environment=A="1',
  'environment=A:1',
  'environment=A="100%"',
  'numprocs=2',
  'stopasgroup=true\nkillasgroup=false',
  'process_name=a b',
  'user=',
];

/** supervisord takes these, for a dictionary printed whole and for a signal that does nothing. */
const SENSELESS = ['command=echo %s', 'stopsignal=0'];

function outcome(text: string): string | undefined {
  try {
    return programText('pump', section(/^command/m.test(text) ? text : `command=x\n${text}`), '/tmp');
  } catch (error) {
    assert.ok(error instanceof GweError && error.code === 'check');
    return undefined;
  }
}

test('what supervisord would refuse is refused here, with the key named', () => {
  for (const text of ACCEPTED) assert.notEqual(outcome(text), undefined, text);
  for (const text of SENSELESS) assert.equal(outcome(text), undefined, text);
  for (const text of REFUSED) assert.equal(outcome(text), undefined, text);
  assert.throws(() => made('command=x\nstartsecs=soon'), /startsecs = "soon".*whole number/);
});

/** supervisord's own reader, in the Python that it runs with. */
const READER = `
import sys, json
from supervisor.options import ServerOptions
def accepts(path):
    options = ServerOptions()
    options.here = '/tmp'
    try:
        options.read_config(path)
        return True
    except ValueError as why:
        return str(why)
print(json.dumps([accepts(path) for path in json.load(sys.stdin)]))
`;

test('supervisord itself accepts and refuses the same sections', { skip: lacks('supervisor') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-program-'));
  const write = (text: string, index: number) => {
    const file = join(folder, `${index}.conf`);
    writeFileSync(file, `[supervisord]\nchildlogdir=/tmp\n${text}`);
    return file;
  };
  const accepted = ACCEPTED.map(outcome).map((text, index) => write(text ?? '', index));
  const refused = REFUSED.map((text, index) => {
    const command = /^command/m.test(text) ? '' : 'command=x\n';
    return write(`[program:pump]\n${command}${text}\n`, 1000 + index);
  });
  const percent = write(
    programText('pump', section('command=x'), '/tmp').replace('/tmp/', '/tmp/%%%%x'),
    2000,
  );
  const supervisord = spawnSync('sh', ['-c', 'command -v supervisord'], { encoding: 'utf8' }).stdout.trim();
  const python = readFileSync(supervisord, 'utf8').match(/^#!\s*(\S+)/)?.[1] ?? 'python3';
  const run = spawnSync(python, ['-c', READER], {
    input: JSON.stringify([...accepted, percent, ...refused]),
  });
  assert.equal(run.status, 0, String(run.stderr));
  rmSync(folder, { recursive: true });
  const verdicts: unknown[] = JSON.parse(run.stdout.toString());
  verdicts.slice(0, accepted.length + 1).forEach((verdict, index) => {
    assert.equal(verdict, true, `${ACCEPTED[index]}: ${verdict}`);
  });
  verdicts.slice(accepted.length + 1).forEach((verdict, index) => {
    assert.notEqual(verdict, true, REFUSED[index]);
  });
});

test('a log folder with a percent sign, or with a slash at its end, is written so that supervisord finds it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-100%-'));
  try {
    assert.match(made('command=x', 'pump', `${folder}/`), /stdout_logfile=.*gwe-100%%%%-\w+\/pump\.log\n/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
