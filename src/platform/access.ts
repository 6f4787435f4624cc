/** Who may do what: from a request to the operator behind it, and whether role and product fit the call. */
import { HEADERS } from '../client/wire.ts';
import { GweError } from '../errors.ts';
import type { OperatorCall } from './context.ts';
import type { Role, Token } from './fleet-store.ts';
import type { PlatformRequest } from './request.ts';
import { CSRF_HEADER, createSessions, type Sessions, sessionIn } from './sessions.ts';
import type { Store } from './store.ts';
import type { Throttle } from './throttle.ts';
import { digestOf } from './tokens.ts';

export interface Access {
  sessions: Sessions;
  /** The operator behind a request. Raises `unauthorized`, `forbidden` (a page of another site), `busy` (throttled). */
  operatorOf(request: PlatformRequest): Promise<Token>;
  /** The token with this secret, where one may try. Raises as above. */
  check(secret: string, address: string): Promise<Token>;
  /** Whether a token is still good; for what goes on after the answer began. */
  isGood(token: Token): Promise<boolean>;
  /** When tokens were used since this was last asked, by name. */
  takeUsed(): ReadonlyMap<string, number>;
}

/** Accepted secrets, by digest, that may go on while log-ins are throttled. */
const KNOWN_MAX = 10_000;

export function createAccess(store: Store, throttle: Throttle, now: () => number): Access {
  const sessions = store.sessions ?? createSessions(now);
  const known = new Set<string>();
  let used = new Map<string, number>();

  const goodToken = async (digest: string): Promise<Token | undefined> => {
    const token = await store.token(digest);
    const isGood = token !== undefined && (token.expires_ms === undefined || token.expires_ms > now());
    return isGood ? token : undefined;
  };
  const accept = (token: Token) => {
    throttle.request(`token ${token.name}`);
    used.set(token.name, now());
    return token;
  };
  const check = async (secret: string, address: string): Promise<Token> => {
    const digest = digestOf(secret);
    if (!known.has(digest)) throttle.mayTry(address);
    const token = await goodToken(digest);
    if (token === undefined) {
      known.delete(digest);
      throttle.failed(address);
      throw refused();
    }
    if (known.size >= KNOWN_MAX) known.clear();
    known.add(digest);
    return accept(token);
  };

  return {
    sessions,
    check,
    async operatorOf(request) {
      const secret = secretIn(request);
      if (secret !== undefined) return check(secret, request.remote);
      const session = sessionIn(request.header('cookie'), request.isSecure);
      const digest = session === undefined ? undefined : await sessions.find(session);
      const token = digest === undefined ? undefined : await goodToken(digest);
      if (token === undefined) throw refused();
      refuseOtherSites(request);
      return accept(token);
    },
    isGood: async (token) => {
      const kept = (await store.tokens()).find(({ name }) => name === token.name);
      return kept !== undefined && (kept.expires_ms === undefined || kept.expires_ms > now());
    },
    takeUsed() {
      const taken = used;
      used = new Map();
      return taken;
    },
  };
}

/** A token comes as X-Exosite-Token, as a bearer, or (older libraries) in place of a CIK. */
export function secretIn(request: PlatformRequest): string | undefined {
  const bearer = request.header('authorization')?.match(/^(?:bearer|token)\s+(.+)$/i)?.[1];
  return bearer ?? request.header(HEADERS.token) ?? request.header(HEADERS.cik);
}

function refused(): GweError {
  return new GweError('unauthorized', 'Cannot let you in: the token is not accepted', {
    hint: 'Log in with a good one: gwe login URL --token TOKEN',
  });
}

/** A browser sends its cookie whoever made it ask; only our own page sends the header with a change. */
export function refuseOtherSites(request: PlatformRequest): void {
  if (request.method === 'GET') return;
  const origin = request.header('origin');
  const isOwn = origin === undefined || hostOf(origin) === request.header('host');
  if (isOwn && request.header(CSRF_HEADER) !== undefined) return;
  throw new GweError('forbidden', 'Cannot do that: the request did not come from the page of this platform', {
    hint: `With a cookie every change needs the header "${CSRF_HEADER}: 1"; a program uses a token.`,
  });
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host;
}

const RANKS: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

/** Whether one role may what another may. */
export function reaches(role: Role, needed: Role): boolean {
  return RANKS[role] >= RANKS[needed];
}

/** Raises `forbidden` unless the operator has the role, and is for the product that the path names; an admin's calls that name none are for those who are for all. */
export function requireRole(call: OperatorCall, needed: Role): void {
  const { operator, params } = call;
  if (!reaches(operator.role, needed)) {
    throw new GweError('forbidden', `Cannot do that as ${operator.role}: it needs the role ${needed}`, {
      hint: 'Ask an admin for a token with that role: gwe token create NAME --role ROLE',
    });
  }
  const product = params['product'] ?? params['model'];
  if (product !== undefined) requireProduct(call, product);
  else if (needed === 'admin' && operator.products !== undefined) throw otherProduct('for all products');
}

/** Raises `forbidden` unless the operator is for this product; notes it for the audit trail. */
export function requireProduct(call: OperatorCall, product: string): void {
  call.note.product = product;
  if (!maySee(call.operator, product)) throw otherProduct(`for product ${product}`);
}

function otherProduct(what: string): GweError {
  return new GweError('forbidden', `Cannot do that: the token is not ${what}`, {
    hint: 'The products it is for: gwe login, or GET /api/v1/whoami',
  });
}

/** Whether a token is for this product. */
export function maySee({ products }: Token, product: string): boolean {
  return products === undefined || products.includes(product);
}

/** Which products a list is about: the one asked for, else all that the operator may see. Raises `forbidden`. */
export function productsAsked(
  call: OperatorCall,
  product: string | undefined,
): readonly string[] | undefined {
  if (product === undefined) return call.operator.products;
  requireProduct(call, product);
  return [product];
}
