/** Installing tarballs that lie on this machine, without a platform: the same journal, the same checks, the same way back. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { parseTarballName } from '../app/name.ts';
import { serialOf } from '../config/identity.ts';
import { loadGateway, loadTrustedSettings } from '../config/places.ts';
import type { Settings } from '../config/settings.ts';
import { GweError } from '../errors.ts';
import { createLog, type Log, type LogLevel } from '../host/log.ts';
import { macAddress } from '../host/network.ts';
import { openInstaller } from '../installer/installer.ts';
import type { InstallEnd } from '../reports/ends.ts';
import { connectSupervisor } from '../supervisor/supervisor.ts';
import type { EngineContext } from './engine.ts';
import { takeStateFolder } from './open-engine.ts';
import { readPublicKeys } from './public-keys.ts';

/**
 * Installs the files, in order, and tells `onEnd` how each ended; a signature is looked for beside its tarball. Returns the ends.
 * Raises `locked` while an engine runs on this state folder, `not-found` and `check` for a file that is not there or
 * whose name breaks the rules: then nothing was begun. `debugLevel` counts for this call, in place of the setting.
 */
export async function installLocally(
  context: EngineContext,
  files: readonly string[],
  onEnd: (end: InstallEnd) => void = () => {},
  debugLevel?: LogLevel,
): Promise<InstallEnd[]> {
  const names = files.map((file) => {
    if (!existsSync(file)) throw new GweError('not-found', `Cannot install ${file}: there is no such file`);
    return parseTarballName(basename(file));
  });
  const { settings } = loadTrustedSettings(context.places);
  const log = createLog(debugLevel ?? settings['engine.debug_level'], context.clock.now);
  const { signal } = context;
  const release = takeStateFolder(context, log);
  try {
    const installer = openLocalInstaller(context, { files, onEnd, settings, log });
    installer.accept({ text: '', items: names.map((name) => ({ name })) }, true);
    const { ends } = await installer.workOff(signal);
    return [...ends];
  } finally {
    release();
  }
}

/** A file is taken in such pieces: each costs a turn of the event loop. */
const COPY_BYTES = 512 * 1024;

/** Read synchronously: a thread for each piece costs more than a disk that is at hand. */
function* piecesFrom(path: string, from_byte: number): Generator<Buffer, void, void> {
  const file = openSync(path, 'r');
  try {
    for (let at = from_byte; ; ) {
      const piece = Buffer.allocUnsafe(COPY_BYTES);
      const read_bytes = readSync(file, piece, 0, piece.length, at);
      if (read_bytes === 0) return;
      at += read_bytes;
      yield piece.subarray(0, read_bytes);
    }
  } finally {
    closeSync(file);
  }
}

interface Local {
  files: readonly string[];
  onEnd: (end: InstallEnd) => void;
  settings: Settings;
  log: Log;
}

function openLocalInstaller(context: EngineContext, { files, onEnd, settings, log }: Local) {
  const { places, clock } = context;
  const at = (id: string) => files.map((file) => join(file, '..', id)).find((path) => existsSync(path));
  return openInstaller({
    places,
    settings,
    clock,
    log,
    serial: serialIfKnown(context),
    env: context.env,
    executable: context.executable[0] ?? process.execPath,
    supervisor: connectSupervisor(settings['supervisor.socket']),
    contentInfo: async (id) => {
      const path = at(id);
      if (path === undefined) return undefined;
      const { size, mtimeMs } = statSync(path);
      return { type: '', size_bytes: size, updated_s: Math.floor(mtimeMs / 1000), meta: '' };
    },
    download: async (id, from_byte) => {
      const path = at(id) ?? id;
      return {
        from_byte,
        total_bytes: statSync(path).size,
        body: Readable.from(piecesFrom(path, from_byte)),
      };
    },
    report: (end) => onEnd(end),
    publicKeys: () => readPublicKeys(places, log),
  });
}

/** A gateway that has no identity yet may install too; its scripts get an empty serial. */
function serialIfKnown({ places }: EngineContext): string {
  try {
    return serialOf(loadGateway(places), macAddress);
  } catch {
    return '';
  }
}
