/**
 * Browsers that are logged in. A session is a secret of its own in a cookie that scripts cannot read; it stands for the
 * token it was made with, and ends with it. Kept in memory, after a restart one logs in again; or, where there may be other
 * replicas, in their database (postgres-sessions.ts).
 */
import { SESSION_IDLE_MS, SESSION_MAX_AGE_MS, SESSIONS_MAX } from './limits.ts';
import { digestOf, newSecret } from './tokens.ts';

export const SESSION_COOKIE = 'gwe_session';
/** Sent with every change by our own page; another site cannot send it, because we never allow it to. */
export const CSRF_HEADER = 'X-Gwe-CSRF';

interface Session {
  /** Digest of the token it was made with. */
  token: string;
  begun_ms: number;
  used_ms: number;
}

export interface Sessions {
  /** Begins a session for the token with this digest; returns its secret. */
  begin(token: string): Promise<string>;
  /** The digest of the token that a session stands for; `undefined` when it is none, or over. */
  find(secret: string): Promise<string | undefined>;
  end(secret: string): Promise<void>;
}

/** Whether a session has lasted, or was not used, for too long. */
export function isSessionOver(
  { begun_ms, used_ms }: { begun_ms: number; used_ms: number },
  now_ms: number,
): boolean {
  return now_ms - begun_ms > SESSION_MAX_AGE_MS || now_ms - used_ms > SESSION_IDLE_MS;
}

export function createSessions(now: () => number): Sessions {
  const sessions = new Map<string, Session>();
  const isOver = (session: Session) => isSessionOver(session, now());
  return {
    async begin(token) {
      for (const [key, session] of sessions) if (isOver(session)) sessions.delete(key);
      const [oldest] = sessions.keys();
      if (sessions.size >= SESSIONS_MAX && oldest !== undefined) sessions.delete(oldest);
      const secret = newSecret();
      sessions.set(digestOf(secret), { token, begun_ms: now(), used_ms: now() });
      return secret;
    },
    async find(secret) {
      const key = digestOf(secret);
      const session = sessions.get(key);
      if (session === undefined) return undefined;
      if (isOver(session)) {
        sessions.delete(key);
        return undefined;
      }
      session.used_ms = now();
      return session.token;
    },
    end: async (secret) => void sessions.delete(digestOf(secret)),
  };
}

/** The session's secret in a Cookie header. Under TLS the cookie has a name that only this very host can set. */
export function sessionIn(cookies: string | undefined, isSecure: boolean): string | undefined {
  const name = cookieName(isSecure);
  const pair = cookies
    ?.split(';')
    .map((each) => each.trim())
    .find((each) => each.startsWith(`${name}=`));
  return pair?.slice(name.length + 1) || undefined;
}

/** The Set-Cookie header that keeps a session, or (with '') takes it away. */
export function sessionCookie(secret: string, isSecure: boolean): string {
  const age_s = secret === '' ? 0 : SESSION_MAX_AGE_MS / 1000;
  const secure = isSecure ? '; Secure' : '';
  return `${cookieName(isSecure)}=${secret}; Path=/; Max-Age=${age_s}; HttpOnly; SameSite=Strict${secure}`;
}

function cookieName(isSecure: boolean): string {
  return isSecure ? `__Host-${SESSION_COOKIE}` : SESSION_COOKIE;
}
