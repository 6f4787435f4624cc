/** All of gwe's TypeScript, and what it uses of npm's, as CommonJS that a single executable can hold: what a gateway runs, and the platform. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { bundlePage, embeddedPage } from './page.ts';
import { bundlePart, leavingOutPlatform, type Part } from './platform-part.ts';
import type { BuildStamp } from './stamp.ts';
import { ROOT } from './targets.ts';

export interface Bundle {
  contents: Uint8Array;
  metafile: Metafile;
  /** The platform, which is loaded when it is called. */
  part: Part;
  /** Of the fleet page, which the bundle holds as text. */
  pageMetafile: Metafile;
}

/** The module that the built page takes the place of. */
const PAGE_MODULE = /[\\/]platform[\\/]page-files\.ts$/;

/** The module that starts the platform's second thread: a single file has no file to start it from. */
const THREAD_START_MODULE = /[\\/]platform[\\/]reader-start\.ts$/;

/** What both bundles have in common. */
const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  write: false,
  format: 'cjs',
  platform: 'node',
  target: 'node24',
  metafile: true,
  // Names in the bundle follow the checkout, wherever a linked node_modules may really lie.
  preserveSymlinks: true,
  // Names are kept, so that a stack trace from a gateway says which functions it went through.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  // A single executable has no file system to import from: import() of a built-in module becomes a late require().
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** The code of that thread, as a module that takes the place of the one that starts it from its source. */
async function embeddedThread(define: Record<string, string>): Promise<string> {
  const entry = 'src/platform/reader-thread.ts';
  const result = await build({ ...OPTIONS, entryPoints: [entry], outfile: 'reader-thread.cjs', define });
  const code = result.outputFiles[0]?.text;
  if (code === undefined) throw new Error(`Cannot bundle ${entry}: esbuild made no file`);
  return `import { Worker } from 'node:worker_threads';
    const CODE = ${JSON.stringify(code)};
    export function startReaderThread(workerData) { return new Worker(CODE, { eval: true, workerData }); }`;
}

/**
 * Bundles `entry`. What the source loads by `await import()` stays unevaluated until then. Raises esbuild's error, which
 * names file and line; its warnings go to stderr.
 */
export async function bundle(stamp: BuildStamp, entry = 'src/main.ts'): Promise<Bundle> {
  const { page, metafile: pageMetafile } = await bundlePage();
  const embedPage: Plugin = {
    name: 'fleet-page',
    setup: ({ onLoad }) => onLoad({ filter: PAGE_MODULE }, () => ({ contents: embeddedPage(page) })),
  };
  const define = { GWE_VERSION: JSON.stringify(stamp.version), GWE_COMMIT: JSON.stringify(stamp.commit) };
  const thread = await embeddedThread(define);
  const embedThread: Plugin = {
    name: 'reader-thread',
    setup: ({ onLoad }) => onLoad({ filter: THREAD_START_MODULE }, () => ({ contents: thread })),
  };
  const platform = new Set<string>();
  const result = await build({
    ...OPTIONS,
    plugins: [leavingOutPlatform(platform)],
    entryPoints: [entry],
    outfile: 'gwe.cjs',
    define,
  });
  const part = await bundlePart(platform, { ...OPTIONS, plugins: [embedPage, embedThread], define });
  const contents = result.outputFiles[0]?.contents;
  if (contents === undefined) throw new Error(`Cannot bundle ${entry}: esbuild made no file`);
  return { contents, metafile: result.metafile, part, pageMetafile };
}

/**
 * The modules that every start of gwe evaluates: what `entry` reaches without a dynamic import, as paths of the checkout
 * and names of built-in modules.
 */
export function eagerModules(metafile: Metafile, entry = 'src/main.ts'): Set<string> {
  const reached = new Set<string>();
  const open = [entry];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const imported of metafile.inputs[path]?.imports ?? []) {
      if (imported.kind !== 'dynamic-import') open.push(imported.path);
    }
  }
  return reached;
}

/** The licences of everything that is in the single file: gwe's, Node.js's, and those of the packages in the bundle. */
export function licences(...metafiles: readonly Metafile[]): string {
  const folders = new Map([['gwe', '']]);
  folders.set('Node.js', `node_modules/node-linux-${process.arch}`);
  const inputs = metafiles.flatMap((each) => Object.keys(each.inputs));
  for (const path of inputs.sort()) {
    const found = path.match(/^.*node_modules\/((?:@[^/]+\/)?[^/]+)/);
    if (found?.[1] !== undefined) folders.set(found[1], found[0]);
  }
  return [...folders]
    .map(([name, folder]) => `${name}\n\n${licenceOf(folder)}`)
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function licenceOf(folder: string): string {
  const path = ['LICENSE', 'LICENSE.md'].map((name) => join(ROOT, folder, name)).find(existsSync);
  return path === undefined ? 'MIT\n' : readFileSync(path, 'utf8');
}
