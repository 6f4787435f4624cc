/** Certificates for tests over HTTPS, by a private authority. */
import { join } from 'node:path';
import { BARE_PATH, expectZero, run } from './machine.ts';

/** A CA and a certificate for 127.0.0.1 signed by it, in `folder`. */
export function makeCertificates(folder: string): { ca: string; cert: string; key: string } {
  const openssl = (...args: string[]) =>
    expectZero(run(['/usr/bin/openssl', ...args], { PATH: BARE_PATH, HOME: folder }));
  const at = (name: string) => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-subj',
    '/CN=Test CA',
    '-days',
    '30',
  );
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('key.pem'),
    '-out',
    at('cert.pem'),
    '-subj',
    '/CN=127.0.0.1',
    '-days',
    '30',
    '-CA',
    at('ca.pem'),
    '-CAkey',
    at('ca.key'),
    '-addext',
    'subjectAltName=IP:127.0.0.1',
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  );
  return { ca: at('ca.pem'), cert: at('cert.pem'), key: at('key.pem') };
}
