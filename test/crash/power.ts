/** Cutting a check-in short: by killing all processes, or by a power cut, after which the disk holds only what is sure. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterPowerCut, type Chance } from './disk.ts';
import { loadDisk, storeDisk } from './disk-folder.ts';
import { checkIn, type Gateway, type Kill, type Turn } from './gateway.ts';
import type { Operation } from './operations.ts';

/** What a power cut does to what was not synced: drop it all, or let chance decide. `undefined`: there is no power cut. */
export type Fate = 'drop' | (() => number) | undefined;

/**
 * A check-in that is cut short; the disk is left as that leaves it. `unheard` are operations that the disk does not take
 * notice of, to see what comes of a gwe that leaves them out.
 */
export async function cutShort(
  gateway: Gateway,
  boot: number,
  kill: Kill,
  fate: Fate,
  unheard: readonly Operation['do'][] = [],
): Promise<Turn> {
  if (fate === undefined) return await checkIn(gateway, boot, kill);
  const { root } = gateway;
  const [disk, world] = [loadDisk(root), worldOf(root)];
  const turn = await checkIn(gateway, boot, kill, true);
  const chance: Chance = fate === 'drop' ? undefined : fate;
  const heard = turn.operations.filter((operation) => !unheard.includes(operation.do));
  const synced = heard.findLast((operation) => operation.do === 'sync-all')?.world ?? world;
  const left = worldAfter(synced, worldOf(root), chance);
  const beside = `${root}-after`;
  storeDisk(afterPowerCut(disk, root, heard, chance), beside);
  rmSync(root, { recursive: true });
  renameSync(beside, root);
  storeWorld(root, left);
  return turn;
}

type World = Readonly<Record<string, string>>;

/** What scripts have installed, in base64 by path. */
function worldOf(root: string): World {
  const folder = join(root, 'world');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(folder.length + 1), readFileSync(path, 'base64')];
    }),
  );
}

/** Of what scripts wrote since the last sync, nothing is there; or by chance the old file, the new one, or an empty one. */
function worldAfter(synced: World, now: World, chance: Chance): World {
  if (chance === undefined) return synced;
  const paths = new Set([...Object.keys(synced), ...Object.keys(now)]);
  const chosen = [...paths].map(
    (path) => [path, [synced[path], now[path], ''][Math.floor(chance() * 3)]] as const,
  );
  const isOld = (path: string) => synced[path] === now[path];
  return Object.fromEntries(
    chosen.flatMap(([path, text]) => {
      const left = isOld(path) ? now[path] : text;
      return left === undefined ? [] : [[path, left]];
    }),
  );
}

function storeWorld(root: string, world: World): void {
  rmSync(join(root, 'world'), { recursive: true, force: true });
  mkdirSync(join(root, 'world'));
  for (const [path, text] of Object.entries(world)) {
    const file = join(root, 'world', path);
    if (!existsSync(dirname(file))) mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, Buffer.from(text, 'base64'));
  }
}
