/**
 * The platform as a part of its own in the single file. Node.js reads the whole script of a single file at every start: the
 * platform, which a gateway never runs, would cost each wake-up 3 MB of memory. So what is loaded of it late is bundled
 * apart, lies in the file as an asset, and is read and compiled when somebody asks for it.
 */
import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import * as errors from '../errors.ts';
import { ROOT } from './targets.ts';

/** Its name in the file. */
export const PART_NAME = 'platform.cjs';

export interface Part {
  contents: Uint8Array;
  metafile: Metafile;
}

/** A late import of a module of the platform, by those who are not part of it. */
const LATE_IMPORT = /^\.\.\/platform\/([\w-]+)\.ts$/;
const ERRORS_MODULE = /[\\/]src[\\/]errors\.ts$/;
const LOADER = 'platform-part-loader';
const STAND_IN = 'platform-part';

/**
 * Where the part is had from at run time. Both sides must have one and the same class of errors, or what the platform
 * throws would be none that the command line knows; so it is handed in.
 */
const LOADER_CODE = `
  import { readFileSync } from 'node:fs';
  import { join } from 'node:path';
  import { getAsset, isSea } from 'node:sea';
  import { compileFunction } from 'node:vm';
  import * as errors from './src/errors.ts';
  let modules;
  export function platformModule(name) {
    if (modules === undefined) {
      const code = isSea() ? getAsset('${PART_NAME}', 'utf8') : readFileSync(join(__dirname, '${PART_NAME}'), 'utf8');
      const part = { exports: {} };
      const run = compileFunction(code, ['module', 'exports', 'require', 'gweErrors'], { filename: '${PART_NAME}' });
      run(part, part.exports, require, errors);
      modules = part.exports;
    }
    return modules[name]();
  }`;

/** Has late imports of the platform lead to the part; the names of the modules that it must hold are added to `names`. */
export function leavingOutPlatform(names: Set<string>): Plugin {
  return {
    name: 'leave-out-platform',
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: LATE_IMPORT }, ({ path, kind, importer }) => {
        const [, name] = path.match(LATE_IMPORT) ?? [];
        if (kind !== 'dynamic-import' || name === undefined || /[\\/]platform[\\/]/.test(importer))
          return undefined;
        names.add(name);
        return { path: name, namespace: STAND_IN };
      });
      onResolve({ filter: new RegExp(`^${LOADER}$`) }, ({ path }) => ({ path, namespace: LOADER }));
      onLoad({ filter: /./, namespace: STAND_IN }, ({ path }) => ({
        contents: `module.exports = require('${LOADER}').platformModule('${path}');`,
        resolveDir: ROOT,
      }));
      onLoad({ filter: /./, namespace: LOADER }, () => ({ contents: LOADER_CODE, resolveDir: ROOT }));
    },
  };
}

/** Bundles the modules of the platform that were left out. Raises esbuild's error. */
export async function bundlePart(names: ReadonlySet<string>, options: BuildOptions): Promise<Part> {
  const modules = [...names]
    .sort()
    .map((name) => `${JSON.stringify(name)}: () => require('./src/platform/${name}.ts')`);
  const handedIn = `export const { ${Object.keys(errors).join(', ')} } = gweErrors;`;
  const sharedErrors: Plugin = {
    name: 'shared-errors',
    setup: ({ onLoad }) => onLoad({ filter: ERRORS_MODULE }, () => ({ contents: handedIn })),
  };
  const result = await build({
    ...options,
    stdin: {
      contents: `module.exports = { ${modules.join(', ')} };`,
      resolveDir: ROOT,
      sourcefile: 'platform-part.js',
    },
    outfile: join(ROOT, PART_NAME),
    plugins: [...(options.plugins ?? []), sharedErrors],
    write: false,
    metafile: true,
  });
  const contents = result.outputFiles?.[0]?.contents;
  if (contents === undefined || result.metafile === undefined)
    throw new Error(`Cannot bundle ${PART_NAME}: esbuild made no file`);
  return { contents, metafile: result.metafile };
}
