/** Getting a key (CIK) from the platform, and what to do when it is no longer accepted. */
import { saveGateway } from '../config/places.ts';
import type { GweError } from '../errors.ts';
import type { Engine } from './engine.ts';

/**
 * Activates this gateway unless it has a key. The key is in Gateway.cfg before this returns.
 * Raises what node:fs raises when Gateway.cfg cannot be written, `conflict` while the platform does not let it in (not enabled, or activated already), and the client's errors.
 */
export async function ensureActivated(engine: Engine): Promise<void> {
  if (engine.cik !== undefined) return;
  const { vendor, model, serial } = engine.identity;
  // A platform hands out a key once: what cannot be written down must not be asked for.
  saveGateway(engine.context.places, {});
  const cik = await engine.client.activate({ vendor, model, serial });
  saveGateway(engine.context.places, { cik });
  engine.cik = cik;
  engine.keyRefused = false;
  engine.log.info(`Activated ${serial} at ${engine.state.platform}`);
}

/**
 * The platform answered 401: the next activation decides. The key stays in Gateway.cfg until there is another: when the
 * serial is not enabled (409), the old one may be accepted again later.
 */
export function forgetActivation(engine: Engine, error: GweError): void {
  engine.log.warning(`${error.message}; activating again`);
  engine.cik = undefined;
  engine.keyRefused = true;
}
