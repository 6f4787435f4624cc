/** The whole ways that a gateway goes while it is killed at every step, and what must come of them. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeDelta } from '../../src/app/delta-make.ts';
import { tarballOf } from '../installer/ground.ts';

export interface Scenario {
  name: string;
  /** By name in the Content Area. */
  tarballs: Record<string, Buffer>;
  /** What is installed before. */
  before: readonly string[];
  install: readonly string[];
  /** What is written on the platform, by alias, where it is not just that. */
  command?: Readonly<Record<string, string>>;
  /** What `gwe --once` ends with when it does it all in one go. */
  status: 0 | 3;
  /** How each item must be reported, in order. */
  ends: readonly RegExp[];
  /** The last good version of each application in the end. */
  good: Record<string, string>;
  /** What scripts have installed in the end: version by application. */
  world: Record<string, string>;
  /** Engine.config in the end. */
  settings: RegExp;
  /** Program files in the end. */
  programs: Record<string, RegExp>;
  /** Steps of scripts at which all is killed, as `SCRIPT VERSION NUMBER`. */
  steps: readonly string[];
}

/** Steps that each script has. */
const STEPS = { 'install.sh': 5, 'uninstall.sh': 5, 'health.sh': 3 };

const TELL = `
tell() { echo "$1 \${0##*/} $GWE_APP_NAME.v$GWE_APP_VERSION $GWE_ATTEMPT\${GWE_ROLLBACK_FROM:+ back}" >>"$WITNESS"; }
n=0
step() {
  n=$((n + 1))
  [ "$CRASH_STEP" != "\${0##*/} $GWE_APP_VERSION $n" ] || { kill -9 $PPID; kill -9 0; }
}
tell begin; step
`;
const DONE = 'step; tell end; step\n';

/** Installs its version in files of the world, so that it can be done again after having been cut anywhere. */
const install = (more = '') => `#!/bin/sh
${TELL}
[ -d "$WORLD/$GWE_APP_NAME" ] || mkdir "$WORLD/$GWE_APP_NAME"; step
for part in a b c; do echo "$GWE_APP_VERSION" >"$WORLD/$GWE_APP_NAME/$part"; done; step
echo "installing $GWE_APP_NAME $GWE_APP_VERSION"
${more}
${DONE}`;
const HEALTHY = `#!/bin/sh\n${TELL}\nread -r there <"$WORLD/$GWE_APP_NAME/b"; [ "$there" = "$GWE_APP_VERSION" ] || exit 1\n${DONE}`;
const ILL = `#!/bin/sh\n${TELL}\n${DONE}exit 1\n`;
const UNINSTALL = `#!/bin/sh\n${TELL}\nrm -rf "$WORLD/$GWE_APP_NAME"; step; step\n${DONE}`;
const program = (command: string) => `[supervisord]\ncommand=/bin/${command}\n`;

const stepsOf = (script: keyof typeof STEPS, version: string) =>
  Array.from({ length: STEPS[script] }, (_, n) => `${script} ${version} ${n + 1}`);

const v1 = tarballOf({ 'install.sh': install(), 'health.sh': HEALTHY, 'supervisor.conf': program('one') });
/** Bytes that do not compress, so that a download comes in several pieces. */
const payload = randomBytes(200_000).toString('base64');
const nothing = { good: {}, world: {}, programs: {}, before: [], settings: /./ };

/** An update that goes well, of an application with a program and a health check. */
const update: Scenario = {
  name: 'update',
  tarballs: {
    'app.v1.tar.gz': v1,
    'app.v2.tar.gz': tarballOf({
      'install.sh': install(),
      'health.sh': HEALTHY,
      'supervisor.conf': program('two'),
      'data.bin': payload,
      'more.txt': 'more\n',
    }),
  },
  before: ['app.v1.tar.gz'],
  install: ['app.v2.tar.gz'],
  status: 0,
  ends: [/^app\.v2\.tar\.gz: installed in /],
  good: { app: '2' },
  world: { app: '2' },
  programs: { 'app.conf': /bin\/two/ },
  settings: /./,
  steps: [...stepsOf('install.sh', '2'), ...stepsOf('health.sh', '2')],
};

/** The delta between two tarballs, as it is published. */
async function deltaBetween(from: Buffer, to: Buffer): Promise<Buffer> {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-crash-delta-'));
  try {
    const [base, target] = [join(folder, 'app.v1.tar.gz'), join(folder, 'app.v2.tar.gz')];
    writeFileSync(base, from);
    writeFileSync(target, to);
    await makeDelta({ base, target, to: join(folder, 'delta'), scratch: folder });
    return readFileSync(join(folder, 'delta'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const large = (version: string) =>
  tarballOf({ 'install.sh': install(), 'data.bin': payload, 'more.txt': `more of ${version}\n` });
const [large1, large2] = [large('1'), large('2')];

/** An update of which only a delta is fetched. */
const delta: Scenario = {
  ...nothing,
  name: 'delta',
  tarballs: {
    'app.v1.tar.gz': large1,
    'app.v2.tar.gz': large2,
    'app.v2.tar.gz.from.v1.delta': await deltaBetween(large1, large2),
  },
  before: ['app.v1.tar.gz'],
  install: ['app.v2.tar.gz'],
  status: 0,
  ends: [/^app\.v2\.tar\.gz: installed in .*, delta, /],
  good: { app: '2' },
  world: { app: '2' },
  steps: stepsOf('install.sh', '2'),
};

/** An update whose health check fails, and that is rolled back. */
const rollback: Scenario = {
  ...update,
  name: 'rollback',
  tarballs: {
    'app.v1.tar.gz': v1,
    'app.v2.tar.gz': tarballOf({
      'install.sh': install(),
      'health.sh': ILL,
      'supervisor.conf': program('two'),
    }),
  },
  status: 3,
  ends: [/^app\.v2\.tar\.gz: failed: health\.sh ended with 1; back at v1/],
  good: { app: '1' },
  world: { app: '1' },
  programs: { 'app.conf': /bin\/one/ },
  steps: [
    ...stepsOf('install.sh', '2'),
    ...stepsOf('health.sh', '2'),
    ...stepsOf('install.sh', '1'),
    ...stepsOf('health.sh', '1'),
  ],
};

/** A first install, with a program and no supervisord. */
const first: Scenario = {
  ...nothing,
  name: 'first',
  tarballs: { 'app.v1.tar.gz': v1 },
  install: ['app.v1.tar.gz'],
  status: 0,
  ends: [/^app\.v1\.tar\.gz: installed in .*\n[\s\S]*no supervisord/],
  good: { app: '1' },
  world: { app: '1' },
  programs: { 'app.conf': /bin\/one/ },
  steps: [...stepsOf('install.sh', '1'), ...stepsOf('health.sh', '1')],
};

/** A first install that fails: nothing to go back to but its own uninstall.sh. */
const failedFirst: Scenario = {
  ...nothing,
  name: 'failed-first',
  tarballs: {
    'app.v1.tar.gz': tarballOf({
      'install.sh': install(),
      'health.sh': ILL,
      'uninstall.sh': UNINSTALL,
      'supervisor.conf': program('one'),
    }),
  },
  install: ['app.v1.tar.gz'],
  status: 3,
  ends: [/^app\.v1\.tar\.gz: failed: health\.sh ended with 1/],
  steps: [...stepsOf('install.sh', '1'), ...stepsOf('uninstall.sh', '1')],
};

/** One instruction with three tarballs: one is refused by the checks, one fails, one is installed. */
const several: Scenario = {
  ...nothing,
  name: 'several',
  tarballs: {
    'one.v1.tar.gz': tarballOf({ 'readme.txt': 'no install.sh\n' }),
    'two.v1.tar.gz': tarballOf({ 'install.sh': '#!/bin/sh\nexit 7\n' }),
    'three.v1.tar.gz': tarballOf({ 'install.sh': install() }),
  },
  install: ['one.v1.tar.gz', 'two.v1.tar.gz', 'three.v1.tar.gz'],
  status: 3,
  ends: [
    /^one\.v1\.tar\.gz: discarded: /,
    /^two\.v1\.tar\.gz: failed: install\.sh ended with 7/,
    /^three\.v1\.tar\.gz: installed/,
  ],
  good: { three: '1' },
  world: { three: '1' },
  steps: stepsOf('install.sh', '1'),
};

/** No install: an instruction that cannot be read, and a new interval. */
const commands: Scenario = {
  ...nothing,
  name: 'commands',
  tarballs: {},
  install: [],
  command: { engine_fetch: 'please install app', update_interval: '120' },
  status: 3,
  ends: [/engine_fetch/],
  settings: /^update_interval = 120$/m,
  steps: [],
};

export const SCENARIOS: readonly Scenario[] = [
  update,
  delta,
  rollback,
  first,
  failedFirst,
  several,
  commands,
];
