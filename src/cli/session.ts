/**
 * Who an operator's command speaks to: the stored login or the environment, the product it means, the gateway of a
 * serial. Storing a login is here too; asking for one is login.ts's business.
 */
import { join } from 'node:path';
import { GweError } from '../errors.ts';
import { makeFolder, PRIVATE_FILE_MODE, readIfThere, writeDurably } from '../host/files.ts';
import type { Gateway } from './answers.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { type Operator, openOperator } from './operator.ts';

/** What `gwe login` stores. */
export interface Login {
  url: string;
  token: string;
  /** The product that is meant when none is named. */
  product?: string;
  ca?: string;
}

/** A command's way to the platform. */
export interface Session {
  operator: Operator;
  /** The product that `--product` names. */
  named: string | undefined;
  /** That one, else the one that the login names. */
  product: string | undefined;
}

const loginFile = (context: CommandContext) => join(context.places.config, 'operator.json');

/** Stores a login, readable by its owner only. Returns where. */
export function storeLogin(context: CommandContext, login: Login): string {
  makeFolder(context.places.config);
  writeDurably(loginFile(context), `${JSON.stringify(login, undefined, 2)}\n`, PRIVATE_FILE_MODE);
  return loginFile(context);
}

/** The login that counts: GWE_PLATFORM_URL with GWE_PLATFORM_TOKEN, else the stored one. */
export function findLogin(context: CommandContext): Login | undefined {
  const stored = storedLogin(context);
  const url = context.env['GWE_PLATFORM_URL'] || undefined;
  const token = context.env['GWE_PLATFORM_TOKEN'] || undefined;
  if (url === undefined) return stored === undefined || token === undefined ? stored : { ...stored, token };
  if (token !== undefined) return { ...(stored?.ca === undefined ? {} : { ca: stored.ca }), url, token };
  if (stored?.url === url) return stored;
  throw new GweError('usage', `Cannot log in to ${url}: GWE_PLATFORM_URL is set, GWE_PLATFORM_TOKEN is not`, {
    hint: 'Set both, or neither and run: gwe login URL',
  });
}

function storedLogin(context: CommandContext): Login | undefined {
  const text = readIfThere(loginFile(context));
  if (text === undefined) return undefined;
  const login = parseLogin(text);
  if (login !== undefined) return login;
  throw new GweError('config', `Cannot use ${loginFile(context)}: it holds no login`, {
    hint: 'Log in again: gwe login URL',
  });
}

function parseLogin(text: string): Login | undefined {
  try {
    const { url, token, product, ca }: Record<string, unknown> = JSON.parse(text);
    if (typeof url !== 'string' || typeof token !== 'string') return undefined;
    return {
      url,
      token,
      ...(typeof product === 'string' ? { product } : {}),
      ...(typeof ca === 'string' ? { ca } : {}),
    };
  } catch {
    return undefined;
  }
}

/** A platform's URL as typed, checked. Raises `usage` for what is none. */
export function platformUrl(written: string): URL {
  const url = URL.parse(written);
  if (url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '') return url;
  throw new GweError(
    'usage',
    `Cannot use "${written}" as the platform's URL: expected http(s)://HOST[:PORT]`,
    {
      hint: 'Give the URL that the platform printed when it started, for instance http://127.0.0.1:8080',
    },
  );
}

/** Opens the API for one command, runs `work` on it, and closes it however that ends. */
export async function withPlatform<T>(
  context: CommandContext,
  args: CommandArgs,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const login = findLogin(context);
  if (login === undefined) {
    throw new GweError('usage', 'Cannot reach a platform: you are not logged in', {
      hint: 'Run: gwe login URL   (no platform yet? gwe platform --data DIR starts one)',
    });
  }
  const { token, ca } = login;
  const operator = await openOperator(
    { url: platformUrl(login.url), token, ...(ca === undefined ? {} : { ca }) },
    context.env,
  );
  try {
    const named = args.text('product');
    return await work({ operator, named, product: named ?? login.product });
  } finally {
    operator.close();
  }
}

/** The product that is meant: the one named, else the only one there is. */
export async function productOf({ operator, product }: Session): Promise<string> {
  if (product !== undefined) return product;
  const ids = (await operator.products()).map((each) => each.id);
  const [only] = ids;
  if (only !== undefined && ids.length === 1) return only;
  throw new GweError(
    'usage',
    only === undefined
      ? 'Cannot choose a product: the platform has none yet'
      : `Cannot choose a product: the platform has ${ids.length} (${ids.slice(0, 10).join(', ')}${ids.length > 10 ? ', …' : ''})`,
    { hint: only === undefined ? 'Run: gwe product create ID' : `Name it: --product ${only}` },
  );
}

/** The gateway with this serial: in the product that is named, else in the only product that has one. */
export async function gatewayOf(session: Session, serial: string): Promise<Gateway> {
  const where = session.named === undefined ? { serial } : { serial, product: session.named };
  const found = (await session.operator.gateways(where)).filter((each) => each.serial === serial);
  const [gateway, second] = found;
  if (gateway === undefined) throw unknownGateway(serial, session.named);
  if (second === undefined) return gateway;
  const meant = found.find((each) => each.product === session.product);
  if (meant !== undefined) return meant;
  const products = found.map((each) => each.product).join(', ');
  throw new GweError('usage', `Cannot choose a gateway: ${serial} is in several products (${products})`, {
    hint: `Name the product: --product ${gateway.product}`,
  });
}

function unknownGateway(serial: string, product: string | undefined): GweError {
  const where = product === undefined ? 'the platform' : `product ${product}`;
  return new GweError('not-found', `Cannot find gateway ${serial}: ${where} has none of that serial`, {
    hint: `"gwe gateways" lists all of them; "gwe gateway add ${serial}" adds it.`,
  });
}
