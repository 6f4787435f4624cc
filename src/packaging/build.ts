/**
 * `npm run build`: from the source to everything that `dist/` holds. Reads as the list of what is made; how each thing is
 * made lies beside this file.
 */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { baseBinary } from './bases.ts';
import { type Bundle, bundle, eagerModules, licences } from './bundle.ts';
import { PART_NAME } from './platform-part.ts';
import { checksums, publish } from './results.ts';
import { installScript } from './scripts.ts';
import { type BuildStamp, inputsDigest } from './stamp.ts';
import { type Architecture, CACHE, ROOT, singleFile } from './targets.ts';
import { makeUpdateTarball } from './update-tarball.ts';

export interface BuildOptions {
  architectures: readonly Architecture[];
  /** Whether to make the tarball by which gwe updates gwe: half of the time. */
  withTarball: boolean;
  /** Where the results go. */
  output: string;
  stamp: BuildStamp;
  say: (line: string) => void;
}

/** Makes everything in `output`; a result has its name only once all are complete. Raises an Error saying what failed. */
export async function buildAll(options: BuildOptions): Promise<void> {
  const { architectures, output, stamp, say } = options;
  const inputs = inputsDigest(stamp);
  for (const folder of [CACHE, dirname(output)]) mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'build-'));
  const results = mkdtempSync(join(dirname(output), `.${basename(output)}-`));
  const step = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    const started_ms = performance.now();
    const made = await act();
    say(`${name}: ${((performance.now() - started_ms) / 1000).toFixed(1)} s`);
    return made;
  };
  try {
    const bundled = await step('bundle', () => bundle(stamp));
    const { contents, metafile, part, pageMetafile } = bundled;
    say(
      `  ${contents.length} bytes, and ${part.contents.length} of the platform; ${eagerModules(metafile).size} modules are loaded at every start`,
    );
    await step('single files', () =>
      Promise.all(architectures.map((arch) => makeSingleFile(arch, bundled, work, results))),
    );
    writeFileSync(join(results, 'install.sh'), installScript(), { mode: 0o755 });
    writeFileSync(join(results, 'LICENSES.txt'), licences(metafile, part.metafile, pageMetafile));
    copyFileSync(join(ROOT, 'docs', 'gwe.1'), join(results, 'gwe.1'));
    if (options.withTarball) {
      await step('update tarball', () => makeUpdateTarball(results, stamp.version, architectures));
    }
    writeFileSync(join(results, 'SHA256SUMS'), checksums(results));
    publish(results, output, inputs);
  } finally {
    for (const folder of [work, results]) rmSync(folder, { recursive: true, force: true });
  }
}

async function makeSingleFile(
  arch: Architecture,
  { contents, part }: Bundle,
  work: string,
  results: string,
): Promise<void> {
  const folder = join(work, arch);
  mkdirSync(folder);
  writeFileSync(join(folder, 'gwe.cjs'), contents);
  writeFileSync(join(folder, PART_NAME), part.contents);
  writeFileSync(join(folder, 'node'), await baseBinary(arch), { mode: 0o755 });
  const made = join(folder, singleFile(arch));
  const script = join(import.meta.dirname, 'single-file.ts');
  const inputs = [join(folder, 'gwe.cjs'), join(folder, 'node')];
  const packed = await promisify(execFile)(process.execPath, [script, arch, ...inputs, made]).catch(
    (error: { stdout?: string; stderr?: string }) => {
      throw new Error(`Cannot make ${singleFile(arch)}:\n${error.stdout ?? ''}${error.stderr ?? ''}`);
    },
  );
  if (!existsSync(made))
    throw new Error(`Cannot make ${singleFile(arch)}: pkg made no file\n${packed.stdout}`);
  chmodSync(made, 0o755);
  renameSync(made, join(results, singleFile(arch)));
}
