/**
 * Whom the client trusts and what it shows of itself: certificates of issuers (Node.js's own, the machine's, a file of
 * the operator's) and the client certificate. Parses them when they are first needed: some 260 of them at each wake-up
 * cost more than the rest of a check-in, and hardly any server needs the machine's.
 */
import { readFileSync } from 'node:fs';
import type { SecureContext } from 'node:tls';
import { GweError, systemCode } from '../errors.ts';

/** PEM files of the operator's; `''` is none. */
export interface TrustFiles {
  ca: string;
  clientCert: string;
  clientKey: string;
}

/** Few: the operator's file, or Node.js's own issuers. All: these two and the machine's. */
export type Reach = 'few' | 'all';

/** Key agreements offered. Post-quantum ones are left out: they add 2.3 kB to every handshake, resumed ones too. */
const GROUPS = 'X25519:P-256:P-384';

/** Where Linux distributions keep all their issuers in one file (Debian and Alpine, Fedora, openSUSE, OpenWrt). */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

export interface Trust {
  /** What a handshake needs; made once for each reach. Raises `config` for a file that cannot be used. */
  context(reach: Reach): SecureContext;
  /** The operator's certificates as text: what a session hangs on. */
  readonly given: readonly string[];
}

/** The trust that the operator's files and, for reach `all`, SSL_CERT_FILE make. Raises `config` for a file that cannot be read. */
export function createTrust(files: TrustFiles, env: NodeJS.ProcessEnv): Trust {
  const contexts = new Map<Reach, SecureContext>();
  const ca = readPem('ca', files.ca);
  const cert = readPem('client_cert', files.clientCert);
  const key = readPem('client_key', files.clientKey);
  return {
    given: [ca ?? '', cert ?? ''],
    context(reach) {
      const context = contexts.get(reach) ?? createContext({ ca: issuers(reach, ca, env), cert, key }, files);
      contexts.set(reach, context);
      return context;
    },
  };
}

/** `undefined` = Node.js's own, which are compiled in and parsed once. */
function issuers(reach: Reach, ca: string | undefined, env: NodeJS.ProcessEnv): string[] | undefined {
  if (reach === 'few') return ca === undefined ? undefined : [ca];
  const { getCACertificates } = process.getBuiltinModule('node:tls');
  return [...getCACertificates('default'), ...machineIssuers(env), ...(ca === undefined ? [] : [ca])];
}

function machineIssuers(env: NodeJS.ProcessEnv): string[] {
  for (const path of [env['SSL_CERT_FILE'] ?? '', ...BUNDLES]) {
    try {
      if (path !== '') return [readFileSync(path, 'utf8')];
    } catch {
      // The next one, then: each distribution has only one of them.
    }
  }
  return [];
}

interface Material {
  ca: string[] | undefined;
  cert: string | undefined;
  key: string | undefined;
}

function createContext(material: Material, files: TrustFiles): SecureContext {
  const given = Object.entries(material).filter(([, value]) => value !== undefined);
  try {
    return process
      .getBuiltinModule('node:tls')
      .createSecureContext({ ...Object.fromEntries(given), ecdhCurve: GROUPS });
  } catch (error) {
    const used = Object.values(files).filter((file) => file !== '');
    throw new GweError('config', `Cannot use ${used.join(', ')} for TLS: ${String(error)}`, {
      cause: error,
      hint: 'security.ca, client_cert and client_key each name a PEM file; the key must be that of the certificate.',
    });
  }
}

function readPem(setting: string, path: string): string | undefined {
  if (path === '') return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new GweError('config', `Cannot read ${path}: ${systemCode(error) ?? String(error)}`, {
      cause: error,
      hint: `It is the value of security.${setting}: gwe config set security.${setting} FILE`,
    });
  }
}
