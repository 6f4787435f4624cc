/** The JSON API on who one is: whoami, and the sessions of browsers. */
import { GweError } from '../errors.ts';
import { VERSION } from '../host/version.ts';
import { type Answer, empty, json } from './answer.ts';
import { notingRefusals } from './audit-refusals.ts';
import type { Call, OperatorCall, Platform } from './context.ts';
import type { Token } from './fleet-store.ts';
import { jsonBody, textIn } from './json-body.ts';
import { CSRF_HEADER, sessionCookie, sessionIn } from './sessions.ts';
import { digestOf } from './tokens.ts';

/** `GET /api/v1/whoami`, `GET /api/v1/session`. */
export async function whoami({ operator, platform }: OperatorCall): Promise<Answer> {
  return json(200, whoamiJson(operator, platform));
}

/**
 * `POST /api/v1/session` with `{"token"}`: sets the cookie. A page of another site cannot make the browser do this: it
 * cannot send JSON with our header.
 */
export async function logIn({ request, platform }: Call): Promise<Answer> {
  if (request.header(CSRF_HEADER) === undefined) {
    throw new GweError(
      'forbidden',
      'Cannot log in: the request did not come from the page of this platform',
      {
        hint: `Send the header "${CSRF_HEADER}: 1".`,
      },
    );
  }
  const secret = textIn(await jsonBody(request), 'token').trim();
  const operator = await notingRefusals({ request, platform }, 'login', () =>
    platform.access.check(secret, request.remote),
  );
  await platform.audit({
    who: operator.name,
    role: operator.role,
    address: request.remote,
    action: 'log in',
    status: 200,
    details: '',
  });
  const session = await platform.access.sessions.begin(digestOf(secret));
  const answer = json(200, whoamiJson(operator, platform));
  return withCookie(answer, sessionCookie(session, request.isSecure));
}

/** `DELETE /api/v1/session`: ends the session, and takes the cookie away. */
export async function logOut({ request, platform, note }: OperatorCall): Promise<Answer> {
  const session = sessionIn(request.header('cookie'), request.isSecure);
  if (session !== undefined) await platform.access.sessions.end(session);
  note.details = 'log out';
  return withCookie(empty(204), sessionCookie('', request.isSecure));
}

function withCookie(answer: Answer, cookie: string): Answer {
  return { ...answer, headers: [...(answer.headers ?? []), ['Set-Cookie', cookie]] };
}

function whoamiJson({ name, role, products, expires_ms }: Token, { vendor }: Platform) {
  return {
    name,
    role,
    vendor,
    version: VERSION,
    ...(products === undefined ? {} : { products }),
    ...(expires_ms === undefined ? {} : { expires: expires_ms }),
  };
}
