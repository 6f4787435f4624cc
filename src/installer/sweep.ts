/**
 * Sweeping: what lies in staging/ and downloads/ belongs to an item of the journal that has not ended, or goes. At most
 * there are then one part and one unpacked folder (two on the way back) for an item, and never anything when the journal
 * is empty. The last good tarballs under apps/ are not touched here.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { removeFolder, sweepHalfWritten } from '../host/files.ts';
import type { Session } from './job.ts';

/** Removes what belongs to no item that is still to be done; `ending` is the key of one that is about to end. */
export function sweep({ deps, journal }: Session, ending?: string): void {
  const keys = new Set<string>();
  const files = new Set<string>();
  for (const { id, items } of journal.entries()) {
    items.forEach(({ phase, name, delta }, index) => {
      if (phase === 'ended' || `${id}-${index}` === ending) return;
      keys.add(`${id}-${index}`);
      files.add(`${name.file}.part`).add(`${name.file}.part.json`);
      if (delta !== undefined) files.add(`${delta.id}.part`).add(`${delta.id}.part.json`);
    });
  }
  removeFrom(deps.places.staging, (name) => !keys.has(name));
  removeFrom(deps.places.downloads, (name) => !files.has(name));
  sweepHalfWritten(deps.places.journal);
  sweepHalfWritten(deps.settings['supervisor.conf_dir']);
  for (const app of namesIn(deps.places.apps)) sweepHalfWritten(join(deps.places.apps, app));
}

/** Whether anything lies there at all: without work that is left over, from a power cut just after the work was done. */
export function isLittered({ staging, downloads }: { staging: string; downloads: string }): boolean {
  return namesIn(staging).length + namesIn(downloads).length > 0;
}

function removeFrom(folder: string, isRubbish: (name: string) => boolean): void {
  for (const name of namesIn(folder).filter(isRubbish)) removeFolder(join(folder, name));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
}
