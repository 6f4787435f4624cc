/** What stands around the gateways that are killed: a real platform on loopback, the gwe that they run, and the shim. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';
import { bundle } from '../../src/packaging/bundle.ts';
import { startPlatform } from '../../src/platform/platform.ts';

const TOKEN = 'an-operator-token-for-crash-tests-0123456789';
/** In memory: what is killed here is processes, and what a power cut leaves is computed. */
const MEMORY = '/dev/shm';

export interface Stage {
  folder: string;
  url: string;
  /** All of gwe as one script for Node.js: what is in the built file. */
  gwe: string;
  shim: string;
  /** Comes first on the gateways' PATH. */
  bin: string;
  addProduct(product: string): Promise<void>;
  upload(product: string, name: string, tarball: Buffer): Promise<void>;
  /** Adds a gateway and activates it; returns its key. */
  addGateway(product: string, serial: string): Promise<string>;
  write(product: string, serial: string, alias: string, value: string): Promise<void>;
  /** All values that were ever written, oldest first; the last one is what stands there. */
  history(product: string, serial: string, alias: string): Promise<string[]>;
  close(): Promise<void>;
}

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'gwe-crash-'));
  const [gwe, shim, bin] = ['gwe.cjs', 'shim.cjs', 'bin'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const stamp = { version: '0.0.0-crash', commit: 'crash' };
  writeFileSync(gwe, (await bundle(stamp)).contents);
  writeFileSync(shim, (await bundle(stamp, 'test/crash/shim.ts')).contents);
  mkdirSync(bin);
  // Nothing here is ever written to a disk.
  symlinkSync('/bin/true', join(bin, 'sync'));
  const platform = await startPlatform({
    dataFolder: join(folder, 'platform'),
    host: '127.0.0.1',
    port: 0,
    vendor: 'gwe',
    presetToken: TOKEN,
    log: createLog('ERROR'),
    clock: systemClock,
  });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // It lies in memory: whoever stops a run in the middle must get it back.
  process.once('exit', remove);
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => process.exit(1));
  const close = async () => {
    await platform.close();
    remove();
    process.off('exit', remove);
  };
  return { folder, url: platform.url, gwe, shim, bin, close, ...operatorOf(platform.url) };
}

function operatorOf(url: string) {
  const ask = async (
    method: string,
    path: string,
    body?: string | URLSearchParams | Uint8Array<ArrayBuffer>,
  ) => {
    const headers = { Authorization: `Bearer ${TOKEN}` };
    const answer = await fetch(new URL(path, url), {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    if (!answer.ok && answer.status !== 404) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return answer.ok ? text : undefined;
  };
  const tell = (method: string, path: string, body: object) => ask(method, path, JSON.stringify(body));
  return {
    addProduct: async (product: string) => void (await tell('POST', '/api/v1/products', { id: product })),
    upload: async (product: string, name: string, tarball: Buffer) =>
      void (await ask(
        'PUT',
        `/api/v1/products/${product}/content/${name}?force=true`,
        new Uint8Array(tarball),
      )),
    addGateway: async (product: string, serial: string) => {
      await tell('POST', '/api/v1/gateways', { product, serial });
      const who = new URLSearchParams({ vendor: product, model: product, sn: serial });
      const cik = await ask('POST', '/provision/activate', who);
      if (cik === undefined) throw new Error(`Cannot activate ${serial}`);
      return cik;
    },
    write: async (product: string, serial: string, alias: string, value: string) =>
      void (await tell('PUT', `/api/v1/gateways/${product}/${serial}/dataports/${alias}`, { value })),
    history: async (product: string, serial: string, alias: string) => {
      const text = await ask('GET', `/api/v1/gateways/${product}/${serial}/dataports/${alias}?points=1000`);
      if (text === undefined) return [];
      const { points }: { points: { id: number; value: string }[] } = JSON.parse(text);
      return points.toSorted((a, b) => a.id - b.id).map(({ value }) => value);
    },
  };
}
