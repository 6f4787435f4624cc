/** Who signs the competitors' updates: an RSA key with its own certificate, which both of RAUC and SWUpdate take. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BARE_PATH, expectZero, run } from '../e2e/machine.ts';
import type { Bench } from './part.ts';

export interface Signer {
  cert: string;
  key: string;
}

/** The signer of this bench, made when first asked for. */
export function makeSigner({ folder }: Bench): Signer {
  const signer = { cert: join(folder, 'signer.pem'), key: join(folder, 'signer.key') };
  if (existsSync(signer.cert)) return signer;
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', signer.key, '-out', signer.cert, '-days', '90'];
  const use = ['-subj', '/CN=bench', '-addext', 'extendedKeyUsage=emailProtection,codeSigning'];
  expectZero(run(['/usr/bin/openssl', 'req', '-x509', ...key, ...use], { PATH: BARE_PATH, HOME: folder }));
  return signer;
}
