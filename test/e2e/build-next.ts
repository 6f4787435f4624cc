/**
 * Builds gwe of this source under another version, for this architecture, with the tarball by which gwe updates gwe. A
 * process of its own, as esbuild keeps one alive that has called it.
 *
 *     node build-next.ts FOLDER VERSION COMMIT
 */
import { buildAll } from '../../src/packaging/build.ts';
import { ARCHITECTURES } from '../../src/packaging/targets.ts';

const [output = '', version = '', commit = ''] = process.argv.slice(2);
const architectures = ARCHITECTURES.filter((arch) => arch === process.arch);
await buildAll({ architectures, withTarball: true, output, stamp: { version, commit }, say: console.log });
process.exit(0);
