/** Who a gateway is to the platform: its serial, its product, and where that product is served. Pure rules. */
import { GweError } from '../errors.ts';
import type { Gateway } from './gateway-cfg.ts';
import type { Settings } from './settings.ts';

export interface Identity {
  vendor: string;
  model: string;
  serial: string;
}

/** The serial, vendor and model are longest by the platform's own limit. */
export const NAME_MAX_CHARACTERS = 200;

/**
 * The identity that Gateway.cfg gives: the uuid, else the MAC address of iface in upper case with colons.
 * `macOf` looks up an interface's MAC address (`undefined` = no such interface).
 * Raises `identity`, saying what to run, when either half is missing.
 */
export function identityOf(gateway: Gateway, macOf: (iface: string) => string | undefined): Identity {
  const model = gateway.model ?? gateway.vendor;
  const vendor = gateway.vendor ?? gateway.model;
  if (model === undefined || vendor === undefined) {
    throw new GweError(
      'identity',
      'Cannot tell which product this gateway is: model and vendor are not set',
      {
        hint: 'Run: gwe --set-product-id PRODUCT_ID',
      },
    );
  }
  return { vendor, model, serial: serialOf(gateway, macOf) };
}

/** The serial alone; see `identityOf`. */
export function serialOf(gateway: Gateway, macOf: (iface: string) => string | undefined): string {
  if (gateway.uuid !== undefined) return gateway.uuid;
  if (gateway.iface === undefined) {
    throw new GweError('identity', 'Cannot tell which gateway this is: neither uuid nor iface is set', {
      hint: 'Run: gwe --set-uuid SERIAL   or, to use the MAC address of an interface: gwe --set-iface eth0',
    });
  }
  const mac = macOf(gateway.iface);
  if (mac === undefined) {
    throw new GweError(
      'identity',
      `Cannot tell which gateway this is: interface ${gateway.iface} has no MAC address`,
      {
        hint: 'Run: gwe --set-iface NAME with one of the interfaces in /sys/class/net, or gwe --set-uuid SERIAL',
      },
    );
  }
  return mac.toUpperCase();
}

/** Where the platform is: `engine.server`, else the product's host at Exosite. Raises `config` for what is none. */
export function serverOf(settings: Settings, model: string): URL {
  const written = settings['engine.server'];
  const own = `${model.toLowerCase()}.m2.exosite.io`;
  const url = URL.parse(written === '' ? `https://${own}` : written);
  // A product id with a slash or the like would lead to another host, the gateway's key included.
  if (written === '' && url?.host !== own) {
    throw new GweError('config', `Cannot use the product id "${model}" as the platform's host name`, {
      hint: 'Run: gwe --set-product-id PRODUCT_ID with the right one, or gwe --set-server https://HOST[:PORT]',
    });
  }
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new GweError('config', `Cannot use "${written}" as the platform: it makes no http or https URL`, {
      hint: 'Run: gwe --set-server https://HOST[:PORT]',
    });
  }
  return url;
}
