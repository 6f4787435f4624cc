/** One unpacking in a fresh process, as a gateway that has just woken up does it: `unpack-once.ts TARBALL FOLDER` prints its milliseconds. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename } from 'node:path';
import { DEFAULT_LIMITS } from '../../src/app/checks.ts';
import { extractTarball } from '../../src/app/extract.ts';
import { piecesOf } from '../../src/app/file-source.ts';
import { parseTarballName } from '../../src/app/name.ts';
import { takeLittleMemory } from '../../src/host/buffers.ts';

const [tarball = '', into = ''] = process.argv.slice(2);
mkdirSync(into);
const began_ms = performance.now();
await takeLittleMemory();
await extractTarball(piecesOf(tarball), parseTarballName(basename(tarball)), DEFAULT_LIMITS, into);
spawnSync('./install.sh', { cwd: into });
console.log((performance.now() - began_ms).toFixed(1));
