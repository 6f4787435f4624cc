/** Activation: exchanging who a gateway is for its device key ("Provisioning: /provision/activate"). */
import { failure } from './errors.ts';
import type { Http } from './http.ts';
import { CIK_PATTERN, encodeForm, FORM_TYPE, PATHS } from './wire.ts';

/** Who asks to be activated. */
export interface Who {
  vendor: string;
  model: string;
  serial: string;
}

/**
 * Asks the platform for this gateway's key (CIK). It gives it once: raises `conflict` when this serial is not enabled or
 * activated already, `not-found` when it does not know it, `protocol` for an answer that is no key.
 */
export async function activate(http: Http, who: Who): Promise<string> {
  const what = `activate ${who.serial} of ${who.vendor}/${who.model}`;
  const answer = await http.ask({
    method: 'http_activate',
    what,
    verb: 'POST',
    path: PATHS.activate,
    headers: { 'Content-Type': FORM_TYPE },
    body: encodeForm([
      ['vendor', who.vendor],
      ['model', who.model],
      ['sn', who.serial],
    ]),
    answers: [200],
    // A lost answer holds the only key: asking again would be told 409.
    repeatable: false,
  });
  const cik = answer.text.trim();
  if (CIK_PATTERN.test(cik)) return cik;
  throw failure('protocol', { what, host: http.host }, 'its answer is no key of 40 lower-case hex digits', {
    hint: 'Look at engine.server: whoever answers there is no One Platform, or a network that wants a sign-in first.',
  });
}
