/** The clients of today and of ten years ago, served by two replicas in turn over one PostgreSQL and one S3: the very tests that one platform passes. */
import { after, test } from 'node:test';
import { lacks } from '../debian.ts';
import { CREDENTIALS, type ObjectStore, startObjectStore } from './object-store.ts';
import { startReplicas } from './raw.ts';
import { type RealPostgres, startPostgres } from './real-postgres.ts';

const missing = lacks('postgres') || lacks('objectStore');

if (missing !== false) test('two replicas in turn', { skip: missing });
else {
  let server: RealPostgres | undefined;
  let objects: ObjectStore | undefined;
  after(async () => {
    await server?.stop();
    await objects?.stop();
  });
  [server, objects] = await Promise.all([startPostgres({ isDurable: false }), startObjectStore()]);
  startReplicas(async () => {
    const { address } = await objects.bucket();
    return { store: server.database(), content: address, env: CREDENTIALS };
  });
  await import('./device-api.test.ts');
  await import('./long-poll.test.ts');
  await import('./provision.test.ts');
  await import('./rpc.test.ts');
}
