/**
 * One single executable: pkg puts the bundle into a Node.js. Runs as a process of its own for each architecture, because
 * pkg changes the working directory, reads HOME and prints as it goes:
 *
 *     node single-file.ts ARCH BUNDLE NODE OUTPUT
 *
 * Everything lies in the folder of BUNDLE, which becomes HOME and TMPDIR, so that nothing is fetched and nothing of where
 * the checkout lies gets into the file. What goes in, and checking what came out, is left to build.ts.
 */
import childProcess from 'node:child_process';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { SeaConfig } from '@yao-pkg/pkg/lib-es5/sea.js';
import { PART_NAME } from './platform-part.ts';
import { type Architecture, isArchitecture } from './targets.ts';

/**
 * Options that Node.js gets at every start of gwe. SQLite and execve are used knowing that they are experimental. Young
 * objects get 1 MB in place of 16: a gateway has little memory, and even the platform is hardly slower for it. (Options
 * that change what V8 compiles, --jitless or --no-opt, would void its code caches and cost 15 ms at every start.)
 */
const NODE_OPTIONS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1'];

/** What Node.js takes, and pkg only hands on. */
interface SeaMore {
  main: string;
  assets: Record<string, string>;
  execArgv: string[];
  execArgvExtension: string;
}

async function makeSingleFile(
  arch: Architecture,
  bundle: string,
  node: string,
  output: string,
): Promise<void> {
  const folder = dirname(bundle);
  const version = process.versions.node;
  process.env['HOME'] = folder;
  process.env['TMPDIR'] = folder;
  layPkgCache(join(folder, '.pkg-cache', 'sea'), `node-v${version}-linux-${arch}`, node);
  seedBlobGenerator();
  const seaConfig: SeaConfig & SeaMore = {
    // Relative to the folder that pkg makes in TMPDIR: the path becomes part of the file.
    main: `../${basename(bundle)}`,
    assets: { [PART_NAME]: `../${PART_NAME}` },
    disableExperimentalSEAWarning: true,
    useSnapshot: false,
    // V8 takes a code cache only on the architecture that it was made on.
    useCodeCache: arch === process.arch,
    execArgv: NODE_OPTIONS,
    // NODE_OPTIONS of the environment is meant for other programs.
    execArgvExtension: 'none',
  };
  const pkg: typeof import('@yao-pkg/pkg/lib-es5/sea.js') = createRequire(import.meta.url)(
    '@yao-pkg/pkg/lib-es5/sea.js',
  );
  // A full version keeps pkg from asking a server which one is the newest.
  const target = { nodeRange: `node${version}`, platform: 'linux', arch, output } as const;
  await pkg.default(bundle, { targets: [target], seaConfig });
}

/** pkg looks here before it downloads: an archive marked as verified, and what it holds marked as unpacked. */
function layPkgCache(folder: string, name: string, node: string): void {
  const binaries = join(folder, name, 'bin');
  mkdirSync(binaries, { recursive: true });
  linkSync(node, join(binaries, 'node'));
  for (const mark of [`${name}.tar.gz`, `${name}.tar.gz.ok`, `${name}/bin/node.ok`]) {
    writeFileSync(join(folder, mark), '');
  }
}

/**
 * The code cache holds V8's hash seed. With a seed of ours two builds make the same bytes; pkg has no way to hand the
 * option to the Node.js that it calls for the blob, so it is put in where pkg calls it. At run time the seed is random.
 */
function seedBlobGenerator(): void {
  const { execFile } = childProcess;
  const seeded = (file: string, args: string[], done: (error: Error | null, stdout: string) => void) =>
    execFile(file, args.includes('--experimental-sea-config') ? ['--random-seed=1', ...args] : args, done);
  Object.assign(childProcess, { execFile: seeded });
}

const [arch, bundle, node, output] = process.argv.slice(2);
if (
  arch === undefined ||
  !isArchitecture(arch) ||
  bundle === undefined ||
  node === undefined ||
  output === undefined
) {
  throw new Error('usage: single-file.ts ARCH BUNDLE NODE OUTPUT, paths absolute');
}
await makeSingleFile(arch, bundle, node, output);
