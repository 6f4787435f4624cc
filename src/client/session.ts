/**
 * The TLS session from one wake-up to the next. A resumed handshake skips the server's certificates and the check of its
 * name, so a session is kept together with a mark of the server and the certificates that it was made with.
 */

/** Where a session lies between two processes; what lies there is secret. */
export interface SessionStore {
  get(): Buffer | undefined;
  set(session: Buffer): void;
}

/** The session of one client. */
export interface KeptSession {
  session(): Buffer | undefined;
  /** A new session from the server; TLS 1.3 servers often send two, and only the last is kept. */
  onSession(session: Buffer): void;
  /** Stores the newest session, if it has not been stored yet. */
  settle(): void;
}

/** Sessions that are kept in `store` for connections that are told apart by `madeWith` (server, certificates). */
export function keepSession(store: SessionStore, madeWith: readonly string[]): KeptSession {
  // Not imported: only https needs it, and loading it costs as much as a whole request in the clear.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const mark = createHash('sha256').update(JSON.stringify(madeWith)).digest();
  let newest = unmark(
    mark,
    attempt(() => store.get()),
  );
  let isStored = true;
  return {
    session: () => newest,
    onSession(session) {
      newest = session;
      isStored = false;
    },
    settle() {
      if (isStored || newest === undefined) return;
      isStored = true;
      const marked = Buffer.concat([mark, newest]);
      attempt(() => store.set(marked));
    },
  };
}

function unmark(mark: Buffer, kept: Buffer | undefined): Buffer | undefined {
  if (kept === undefined || kept.length <= mark.length) return undefined;
  return kept.subarray(0, mark.length).equals(mark) ? kept.subarray(mark.length) : undefined;
}

/** What `doing` returns, or nothing: a session that cannot be read or kept costs some bytes, never an exchange. */
function attempt<T>(doing: () => T): T | undefined {
  try {
    return doing();
  } catch {
    return undefined;
  }
}
