import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchMachine } from './call.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** Prints the files of cli/ that were loaded, when the process ends. */
const WATCH = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
  process.on('exit', () => console.log(loaded.filter((url) => url.includes('/src/cli/')).map((url) => url.split('/').pop()).join(' ')));
`)}`;

test('an engine that wakes up loads the tables and the parser, and no command', (t) => {
  const { places } = scratchMachine(t);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', WATCH, MAIN, '--once'], {
    env: { GWE_CONFIG_DIR: places.config, GWE_STATE_DIR: places.state },
    encoding: 'utf8',
  });
  assert.equal(status, 2, 'it has no identity, so it ends at once');
  assert.equal(stderr.split('\n').length, 2, stderr);
  assert.deepEqual(stdout.trim().split(' ').sort(), [
    'commands.ts',
    'find-command.ts',
    'fleet-commands.ts',
    'fleet-options.ts',
    'nearest.ts',
    'operator-commands.ts',
    'options.ts',
    'parse.ts',
    'platform-commands.ts',
    'rollout-commands.ts',
    'run.ts',
    'values.ts',
  ]);
});
