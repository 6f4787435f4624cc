/** What a browser is told about our pages: everything comes from here, nothing is inline, nobody may frame them. */
import type { PlatformRequest } from './request.ts';

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Over TLS a browser shall come back by TLS alone, for so long. */
const TLS_ONLY_S = 180 * 86_400;

/** The headers of every page, script and style. Under TLS the browser is told to stay with it. */
export function pageHeaders(request: PlatformRequest): ReadonlyArray<readonly [string, string]> {
  return [
    ['Content-Security-Policy', POLICY],
    ['X-Content-Type-Options', 'nosniff'],
    ['Referrer-Policy', 'no-referrer'],
    ['Cross-Origin-Opener-Policy', 'same-origin'],
    ['Cross-Origin-Resource-Policy', 'same-origin'],
    ['Permissions-Policy', 'camera=(), geolocation=(), microphone=()'],
    ...(request.isSecure ? [['Strict-Transport-Security', `max-age=${TLS_ONLY_S}`] as const] : []),
  ];
}
