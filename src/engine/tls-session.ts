/** The TLS session with the platform, kept over hibernation: a wake-up resumes it and is spared the certificates' bytes. */
import type { Places } from '../config/places.ts';
import { PRIVATE_FILE_MODE, readIfThere, writeWhole } from '../host/files.ts';
import { attempt, type Log } from '../host/log.ts';

/** Reads and replaces the kept session; a disk that refuses costs the next connection some bytes, and is only said. */
export function keptTlsSession(places: Places, log: Log) {
  return {
    get(): Buffer | undefined {
      const kept = readIfThere(places.tlsSession);
      return kept === undefined ? undefined : Buffer.from(kept, 'base64');
    },
    set(session: Buffer): void {
      attempt(log, () => writeWhole(places.tlsSession, session.toString('base64'), PRIVATE_FILE_MODE));
    },
  };
}
