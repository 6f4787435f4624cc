/** The device client as commands use it: the gateway's own settings, with what a command line may say instead. */
import { createDeviceClient, type DeviceClient } from '../client/client.ts';
import type { Gateway } from '../config/gateway-cfg.ts';
import { serverOf } from '../config/identity.ts';
import { loadGateway, loadTrustedSettings } from '../config/places.ts';
import type { Settings } from '../config/settings.ts';
import { GweError } from '../errors.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';

export interface OpenClient {
  client: DeviceClient;
  server: URL;
  gateway: Gateway;
  settings: Settings;
}

/** Opens a client for `--server`, else for the platform that gwe is set to; runs `work` on it and closes it. */
export async function withClient<T>(
  context: CommandContext,
  args: Pick<CommandArgs, 'text'>,
  work: (open: OpenClient) => Promise<T>,
): Promise<T> {
  const { settings } = loadTrustedSettings(context.places);
  const gateway = loadGateway(context.places);
  const server = findServer(settings, gateway, args);
  const client = createDeviceClient({
    server,
    userAgent: settings['engine.user_agent'],
    timeout_ms: settings['engine.request_timeout'] * 1000,
    allowHttp: settings['engine.allow_http'],
    ca: settings['security.ca'],
    clientCert: settings['security.client_cert'],
    clientKey: settings['security.client_key'],
    proxy: settings['security.proxy'],
    maxRate_bytesPerSecond: settings['download.max_rate'],
    clock: context.clock,
    env: context.env,
  });
  const stop = () => client.close();
  context.signal.addEventListener('abort', stop, { once: true });
  try {
    return await work({ client, server, gateway, settings });
  } finally {
    context.signal.removeEventListener('abort', stop);
    client.close();
  }
}

function findServer(settings: Settings, gateway: Gateway, args: Pick<CommandArgs, 'text'>): URL {
  const named = args.text('server');
  if (named !== undefined) return new URL(named);
  const model = args.text('model') ?? gateway.model ?? gateway.vendor;
  if (settings['engine.server'] === '' && model === undefined) {
    throw new GweError(
      'identity',
      'Cannot tell where the platform is: neither a server nor a product is set',
      {
        hint: 'Give --server URL, or run: gwe --set-server URL   or: gwe --set-product-id PRODUCT_ID',
      },
    );
  }
  return serverOf(settings, model ?? '');
}

/** Vendor and model that the flags name, else those of Gateway.cfg. Raises `identity` when there are none. */
export function areaOf(gateway: Gateway, args: Pick<CommandArgs, 'text'>): { vendor: string; model: string } {
  const model = args.text('model') ?? gateway.model ?? args.text('vendor') ?? gateway.vendor;
  const vendor = args.text('vendor') ?? gateway.vendor ?? model;
  if (model !== undefined && vendor !== undefined) return { vendor, model };
  throw new GweError('identity', 'Cannot tell whose product is meant: vendor and model are not set', {
    hint: 'Give --vendor and --model, or run: gwe --set-product-id PRODUCT_ID',
  });
}
