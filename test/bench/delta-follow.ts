/**
 * Follows a delta in a process of its own, so that its memory can be measured.
 *
 *     node delta-follow.ts BASE DELTA TO
 */
import { memoryNeeded } from '../../src/app/delta-format.ts';
import { readDeltaHeader, rebuildTarball } from '../../src/app/delta-rebuild.ts';
import { takeLittleMemory } from '../../src/host/buffers.ts';

const [base = '', delta = '', to = ''] = process.argv.slice(2);
// As the installer does before it works.
await takeLittleMemory();
if (base !== '') {
  const header = await readDeltaHeader(delta);
  const rebuilt = await rebuildTarball({ base, delta, to, max_memory_bytes: memoryNeeded(header) });
  if (rebuilt.tar_sha256 !== header.tar_sha256) throw new Error('other bytes came out');
}
