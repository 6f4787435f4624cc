/**
 * `npm run build`: makes dist/. This file only reads the command line and sees to the right Node.js; the work is in
 * src/packaging/build.ts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = `usage: npm run build -- [--arch x64|arm64]… [--no-tarball] [--output DIR] [--if-stale]

  --arch ARCH    build for this architecture only (may be repeated; default: both)
  --no-tarball   leave out the tarball by which gwe updates gwe
  --output DIR   put the results there instead of dist
  --if-stale     do nothing when the results are there and nothing they are made of has changed
`;

/** Node.js of node_modules, which runs TypeScript as it is; the machine's own may be an older one. */
const lockedNode = join(import.meta.dirname, 'node_modules', '.bin', 'node');

if (process.features.typescript) {
  await main();
} else if (existsSync(lockedNode)) {
  process.exit(spawnSync(lockedNode, process.argv.slice(1), { stdio: 'inherit' }).status ?? 1);
} else {
  fail('Cannot build: node_modules is missing. Run: npm ci');
}

async function main() {
  const { isArchitecture, ARCHITECTURES, DIST, singleFile } = await import('./src/packaging/targets.ts');
  const options = readOptions();
  if (options.help) return void process.stdout.write(USAGE);
  const unknown = options.arch?.find((arch) => !isArchitecture(arch));
  if (unknown !== undefined) fail(`Cannot build for ${unknown}: expected x64 or arm64\n${USAGE}`);
  const architectures = ARCHITECTURES.filter((arch) => options.arch?.includes(arch) ?? true);
  const withTarball = options['no-tarball'] !== true;
  const output = resolve(options.output ?? DIST);
  const { buildStamp, inputsDigest } = await import('./src/packaging/stamp.ts');
  const stamp = buildStamp();
  if (options['if-stale']) {
    const { isFresh } = await import('./src/packaging/results.ts');
    const { updateTarball } = await import('./src/packaging/update-tarball.ts');
    const names = architectures.map(singleFile);
    if (withTarball) names.push(updateTarball(stamp.version));
    const fresh = isFresh(output, inputsDigest(stamp), names);
    if (fresh) return void console.log(`${output} is up to date`);
  }
  const { buildAll } = await import('./src/packaging/build.ts');
  await buildAll({ architectures, withTarball, output, stamp, say: console.log }).catch((error) =>
    fail(error.message),
  );
}

function readOptions() {
  try {
    const flag = { type: 'boolean' };
    const options = {
      arch: { type: 'string', multiple: true },
      output: { type: 'string' },
      'if-stale': flag,
      'no-tarball': flag,
      help: flag,
    };
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(`${error.message}\n${USAGE}`);
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
