/** dist/install.sh with the built file, into a folder of its own; and, as root, for real in a name space of its own. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lacks } from '../debian.ts';
import { DIST, GWE_FILE, type Ran, run, tempFolder } from './kit.ts';

const VERSION = /^gwe \d+\.\d+\.\d+ /;

interface Machine {
  root: string;
  install(...args: string[]): Ran;
  path(name: string): string;
}

function machine(t: TestContext, kit = DIST): Machine {
  const root = join(tempFolder(t), 'root');
  const script = join(kit, 'install.sh');
  return {
    root,
    install: (...args) => run(['/bin/sh', script, ...args], { DESTDIR: root }),
    path: (name) => join(root, name),
  };
}

/** A folder with what one would copy to a gateway: the script, the list of digests, the file for this machine. */
function kitFolder(t: TestContext): string {
  const kit = tempFolder(t);
  for (const name of ['install.sh', 'SHA256SUMS']) copyFileSync(join(DIST, name), join(kit, name));
  symlinkSync(join(DIST, GWE_FILE), join(kit, GWE_FILE));
  return kit;
}

const mode = (path: string): string => (statSync(path).mode & 0o7777).toString(8);
const expectZero = (ran: Ran): Ran => {
  assert.equal(ran.status, 0, ran.said);
  return ran;
};

test('install.sh puts the file, its links and words, its folders and the program of supervisord in place', (t) => {
  const { install, path } = machine(t);
  expectZero(install());
  assert.match(run([path('usr/local/bin/gwe'), '--version'], {}).said, VERSION);
  assert.equal(mode(path('usr/local/bin/gwe')), '755');
  assert.equal(readlinkSync(path('usr/local/bin/gdc')), 'gwe');
  assert.deepEqual(['etc/gwe', 'etc/gwe/keys', 'var/lib/gwe'].map(path).map(mode), ['700', '755', '700']);
  assert.match(
    readFileSync(path('etc/supervisor/conf.d/gwe.conf'), 'utf8'),
    /exec \/usr\/local\/bin\/gwe'$/m,
  );
  assert.match(readFileSync(path('usr/local/share/man/man1/gwe.1'), 'utf8'), /^\.TH/m);
  assert.match(
    readFileSync(path('usr/local/share/bash-completion/completions/gwe'), 'utf8'),
    /complete .*gwe/,
  );
});

test('install.sh run again changes nothing that was set up, and leaves no half file', (t) => {
  const { install, path } = machine(t);
  expectZero(install('--', '--set-product-id', 'prod', '--set-uuid', 'SN-1'));
  const cfg = readFileSync(path('etc/gwe/Gateway.cfg'), 'utf8');
  assert.match(cfg, /uuid = SN-1/);
  expectZero(install());
  assert.equal(readFileSync(path('etc/gwe/Gateway.cfg'), 'utf8'), cfg);
  assert.deepEqual(readdirSync(path('usr/local/bin')).sort(), ['gdc', 'gwe']);
});

test('a gwe.conf that somebody made his own stays, and so does a gdc that is not ours', (t) => {
  const { install, path } = machine(t);
  expectZero(install());
  const conf = path('etc/supervisor/conf.d/gwe.conf');
  appendFileSync(conf, 'environment=HTTPS_PROXY=lost\n');
  expectZero(install());
  assert.doesNotMatch(readFileSync(conf, 'utf8'), /HTTPS_PROXY/, 'with its first line it is written anew');
  writeFileSync(conf, '[program:gwe]\nenvironment=HTTPS_PROXY=kept\n');
  assert.match(expectZero(install()).said, /gwe\.conf was changed by hand, and stays/);
  assert.match(readFileSync(conf, 'utf8'), /HTTPS_PROXY=kept/);
  const other = machine(t);
  mkdirSync(other.path('usr/local/bin'), { recursive: true });
  writeFileSync(other.path('usr/local/bin/gdc'), 'a compiler for D');
  assert.match(expectZero(other.install()).said, /gdc is somebody else's/);
  assert.equal(lstatSync(other.path('usr/local/bin/gdc')).isFile(), true);
});

test('--uninstall keeps configuration and state, --purge removes them too, and either can be run again', (t) => {
  const { install, path } = machine(t);
  expectZero(install('--prefix', '/opt/gwe'));
  assert.match(readFileSync(path('etc/supervisor/conf.d/gwe.conf'), 'utf8'), /exec \/opt\/gwe\/bin\/gwe'$/m);
  const there = () =>
    ['opt/gwe/bin/gwe', 'opt/gwe/bin/gdc', 'etc/supervisor/conf.d/gwe.conf'].map(path).some(existsSync);
  for (const args of [['--uninstall'], ['--uninstall'], ['--uninstall', '--purge']]) {
    assert.ok(existsSync(path('etc/gwe')), 'kept until it is purged');
    expectZero(install(...args, '--prefix', '/opt/gwe'));
    assert.equal(there(), false);
  }
  assert.equal(existsSync(path('etc/gwe')) || existsSync(path('var/lib/gwe')), false);
});

test('a file that is not what SHA256SUMS lists, or that does not run here, leaves the old one', (t) => {
  const kit = kitFolder(t);
  const { install, path } = machine(t, kit);
  expectZero(install());
  const damaged = tempFolder(t);
  for (const name of ['install.sh', 'SHA256SUMS']) copyFileSync(join(DIST, name), join(damaged, name));
  writeFileSync(join(damaged, GWE_FILE), '#!/bin/sh\nexit 1\n');
  const from = (env = {}) => run(['/bin/sh', join(damaged, 'install.sh')], { DESTDIR: path(''), ...env });
  assert.match(from().said, /is not what SHA256SUMS lists/);
  assert.equal(from().status, 1);
  writeFileSync(join(damaged, 'SHA256SUMS'), '');
  assert.equal(from().status, 1, 'a list without the file is no list');
  const unlisted = tempFolder(t);
  for (const name of ['install.sh', GWE_FILE]) linkSync(join(damaged, name), join(unlisted, name));
  const ran = run(['/bin/sh', join(unlisted, 'install.sh')], { DESTDIR: path('') });
  assert.equal(ran.status, 1);
  assert.match(ran.said, /does not run on this machine/);
  assert.match(run([path('usr/local/bin/gwe'), '--version'], {}).said, VERSION);
  assert.deepEqual(readdirSync(path('usr/local/bin')).sort(), ['gdc', 'gwe']);
});

test('wrong usage ends with 2 and says what was expected', (t) => {
  const { install } = machine(t);
  const wrong = [
    ['--bogus'],
    ['--prefix'],
    ['--prefix', 'relative'],
    ['--prefix', '/a b'],
    ['--purge'],
    ['extra'],
  ];
  for (const args of wrong) {
    const { status, said } = install(...args);
    assert.equal(status, 2, `${args}: ${said}`);
    assert.match(said, /usage:/);
  }
  assert.match(expectZero(install('--help')).said, /--uninstall/);
  assert.match(install('--arch', 'mips').said, /no gwe for the architecture mips/);
});

test('install.sh needs no more than busybox', { skip: lacks('busybox') }, (t) => {
  const { root, path } = machine(t);
  const commands = tempFolder(t);
  expectZero(run(['/bin/busybox', '--install', '-s', commands], {}));
  const env = { DESTDIR: root, PATH: commands };
  for (const args of [[], [], ['--uninstall']]) {
    expectZero(run(['/bin/busybox', 'sh', join(DIST, 'install.sh'), ...args], env));
  }
  assert.deepEqual(readdirSync(path('usr/local/bin')), []);
});

test('on a machine with supervisord, two commands make gwe RUNNING, and one takes it away', {
  skip: needsRoot(),
}, (t) => {
  // A mount name space: the folders of this machine stay as they are, whatever the script does to them.
  const ran = run(
    ['unshare', '--mount', '--pid', '--fork', '--mount-proc', '/bin/sh', '-eu', '-c', ON_A_MACHINE],
    {
      KIT: DIST,
      SCRATCH: tempFolder(t),
    },
  );
  assert.equal(ran.status, 0, ran.said);
  assert.match(ran.said, /^not told who it is: .*gwe --set-product-id PRODUCT.*supervisorctl update gwe$/m);
  assert.match(ran.said, /^installed: gwe +(STARTING|RUNNING)/m);
  assert.match(ran.said, /^later: gwe +RUNNING/m);
  assert.match(ran.said, /^removed: \/etc\/gwe\/Gateway\.cfg$/m);
});

function needsRoot(): string | false {
  return process.getuid?.() === 0 ? lacks('supervisor') : 'needs root';
}

const ON_A_MACHINE = `
mount --make-rprivate /
cd "$SCRATCH"; mkdir run log log/supervisor local local/bin var; cp -a /etc etc
for it in run:/run log:/var/log local:/usr/local var:/var/lib etc:/etc; do mount --bind "\${it%%:*}" "\${it#*:}"; done
supervisord -c /etc/supervisor/supervisord.conf
echo not told who it is: $("$KIT/install.sh")
"$KIT/install.sh" -- --set-product-id prod --set-uuid SN-1 --set-server http://127.0.0.1:9
echo installed: $(supervisorctl status gwe)
until supervisorctl status gwe | grep -q RUNNING; do sleep 0.2; done
echo later: $(supervisorctl status gwe)
"$KIT/install.sh" --uninstall
! supervisorctl status gwe | grep -q RUNNING
[ ! -e /usr/local/bin/gwe ] && [ ! -e /etc/supervisor/conf.d/gwe.conf ]
echo removed: /etc/gwe/*.cfg
supervisorctl shutdown
`;
