/**
 * `npm test`, `npm run demo` and `npm run bench` on a machine that has only some Node.js (20 or later) and npm: installs what
 * package-lock.json pins, when it is not there, and then goes on under the Node.js that came with it. Plain JavaScript,
 * because the machine's own Node.js may not run TypeScript.
 *
 *     node test/setup.mjs test|demo|bench [ARGUMENT…]
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const scripts = { test: 'test/run.ts', demo: 'test/demo/demo.ts', bench: 'test/bench/run.ts' };
const modules = join(root, 'node_modules');
const lockedNode = join(modules, '.bin', 'node');

const [name, ...args] = process.argv.slice(2);
const script = scripts[name];
if (script === undefined) stop(`usage: node test/setup.mjs ${Object.keys(scripts).join('|')}`, 2);
if (!isInstalled()) install();
run(existsSync(lockedNode) ? lockedNode : process.execPath);

/** Whether node_modules holds what the lock file pins; npm keeps a list of what it has put there. */
function isInstalled() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const there = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')).packages;
    return Object.entries(wanted).every(([path, { integrity, optional }]) => {
      if (path === '') return true;
      return there[path] === undefined ? optional === true : there[path].integrity === integrity;
    });
  } catch {
    return false;
  }
}

function install() {
  console.log('Installing what package-lock.json pins (npm ci) …');
  const flags = ['--no-audit', '--no-fund', '--loglevel=error'];
  const { status, error } = spawnSync('npm', ['ci', ...flags], { cwd: root, stdio: 'inherit' });
  if (status !== 0) stop(`Cannot set up: npm ci ended with ${error?.message ?? status}`, 1);
}

/** Goes on as the script, with npm's tools on the path, and ends as it ends. */
function run(node) {
  const env = { ...process.env, PATH: `${join(modules, '.bin')}:${process.env.PATH}` };
  const child = spawn(node, [join(root, script), ...args], { cwd: root, stdio: 'inherit', env });
  // The script gets a Ctrl-C by itself and cleans up; only what is sent to this process alone has to be passed on.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => stop(`Cannot run ${script}: ${error.message}`, 1));
  child.on('exit', (status, signal) => process.exit(status ?? 128 + (constants.signals[signal] ?? 0)));
}

function stop(message, status) {
  console.error(message);
  process.exit(status);
}
