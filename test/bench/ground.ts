/** The ground that parts stand on: a platform and a gateway on loopback, an ECDSA chain as servers have it, a supervisord. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BARE_PATH,
  type Ending,
  expectZero,
  type Gateway,
  makeGateway,
  type Platform,
  run,
  startPlatform,
} from '../e2e/machine.ts';

/** Certificates for 127.0.0.1, in PEM files: the root to trust, and the server's own with one intermediate after it. */
export interface Chain {
  ca: string;
  cert: string;
  key: string;
}

/** Makes a root, an intermediate and a server's certificate, all ECDSA on P-256. */
export function makeChain(folder: string): Chain {
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  const env = { PATH: BARE_PATH, HOME: folder };
  const make = (name: string, subject: string, extension: string, signer?: string) => {
    const extensions = extension.split(';').flatMap((one) => ['-addext', one]);
    const signed = signer === undefined ? [] : ['-CA', at(`${signer}.pem`), '-CAkey', at(`${signer}.key`)];
    const key = [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-keyout',
      at(`${name}.key`),
    ];
    const files = ['-out', at(`${name}.pem`), '-subj', subject, '-days', '90'];
    expectZero(run(['/usr/bin/openssl', 'req', '-x509', ...key, ...files, ...signed, ...extensions], env));
  };
  make('root', '/O=Bench Trust Services/CN=Bench Root', 'keyUsage=critical,keyCertSign');
  const isAuthority = 'basicConstraints=critical,CA:TRUE,pathlen:0;keyUsage=critical,keyCertSign';
  make('intermediate', '/O=Bench Trust Services/CN=Bench Intermediate R1', isAuthority, 'root');
  const isServer =
    'basicConstraints=critical,CA:FALSE;subjectAltName=IP:127.0.0.1,DNS:localhost;extendedKeyUsage=serverAuth';
  make('server', '/CN=localhost', isServer, 'intermediate');
  writeFileSync(
    at('chain.pem'),
    readFileSync(at('server.pem'), 'utf8') + readFileSync(at('intermediate.pem'), 'utf8'),
  );
  return { ca: at('root.pem'), cert: at('chain.pem'), key: at('server.key') };
}

export interface Ground {
  platform: Platform;
  gateway: Gateway;
}

/** A platform, and an activated gateway that has checked in once; with `chain`, over HTTPS. */
export async function makeGround(t: Ending, chain?: Chain): Promise<Ground> {
  const tls = chain === undefined ? {} : { args: ['--cert', chain.cert, '--key', chain.key], ca: chain.ca };
  const platform = await startPlatform(t, tls);
  const gateway = addGateway(t, platform, 'gw-1', chain);
  expectZero(await gateway.gweAsync('--once'));
  return { platform, gateway };
}

/** A gateway that is set up, and has not been in touch with the platform yet. */
export function addGateway(t: Ending, platform: Platform, serial: string, chain?: Chain): Gateway {
  expectZero(platform.operator('gateway', 'add', serial));
  const settings = chain === undefined ? {} : { 'security.ca': chain.ca };
  return makeGateway(t, { server: platform.url, product: platform.product, serial, settings });
}

/** Writes the text into `folder`/`name` and tells the path. */
export function put(folder: string, name: string, text: string, mode = 0o644): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, text, { mode });
  return path;
}

/** The key that activation gave it. */
export function cikOf(gateway: Gateway): string {
  const text = readFileSync(join(gateway.config, 'Gateway.cfg'), 'utf8');
  return text.match(/^cik\s*=\s*(\w{40})/m)?.[1] ?? '';
}
