/** What a browser is shown, and what a supervisor of the platform asks. */
import { type Answer, text } from './answer.ts';
import type { Call } from './context.ts';

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>gwe platform</title>
<h1>gwe platform</h1>
<p>This server keeps a fleet of gateways up to date. Gateways and operators speak to it; there is nothing to click here yet.</p>
<p>Log in from a terminal: <code>gwe login URL --token TOKEN</code>, then <code>gwe gateways</code>.</p>
</html>
`;

/** `GET /`. */
export async function page(): Promise<Answer> {
  return {
    status: 200,
    headers: [
      ['Content-Type', 'text/html; charset=utf-8'],
      ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
      ['X-Content-Type-Options', 'nosniff'],
    ],
    body: PAGE,
  };
}

/** `GET /healthz`: 200 when the store answers. */
export async function health({ platform }: Call): Promise<Answer> {
  await platform.store.countTokens();
  return text('ok\n');
}
