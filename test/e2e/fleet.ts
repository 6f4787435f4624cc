/** What an operator does, over the JSON API and in one process: for tests that do much of it. The commands have their own tests. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Platform, TOKEN } from './machine.ts';

const enc = encodeURIComponent;

export interface Fleet {
  addGateway(serial: string): Promise<void>;
  /** Allows one more activation; the key that was handed out before is worth nothing from then on. */
  enableGateway(serial: string): Promise<void>;
  /** Uploads a file under its own name or under `id`, whatever the checks say of it; returns the name. */
  upload(path: string, id?: string): Promise<string>;
  remove(id: string): Promise<void>;
  write(serial: string, alias: string, value: string): Promise<void>;
  /** What stands in a dataport; `''` when nothing does. */
  read(serial: string, alias: string): Promise<string>;
  /** Writes engine_fetch. */
  install(serial: string, ...names: string[]): Promise<void>;
}

/** The operator of `platform`. */
export function fleetOf({ url, product, points }: Platform): Fleet {
  async function call(method: string, path: string, body?: string | Buffer, type = 'application/json') {
    const answer = await fetch(new URL(path, url), {
      method,
      headers: { Authorization: `Bearer ${TOKEN}`, ...(body === undefined ? {} : { 'Content-Type': type }) },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  }
  const content = (id: string) => `/api/v1/products/${product}/content/${enc(id)}`;
  const write = (serial: string, alias: string, value: string) =>
    call('PUT', `/api/v1/gateways/${product}/${serial}/dataports/${alias}`, JSON.stringify({ value }));
  return {
    addGateway: (serial) => call('POST', '/api/v1/gateways', JSON.stringify({ product, serial })),
    enableGateway: (serial) => call('POST', `/api/v1/gateways/${product}/${serial}/enable`),
    upload: async (path, id = basename(path)) => {
      await call('PUT', `${content(id)}?force=true`, readFileSync(path), 'application/octet-stream');
      return id;
    },
    remove: (id) => call('DELETE', content(id)),
    write,
    read: async (serial, alias) => (await points(serial, alias)).at(-1) ?? '',
    install: (serial, ...names) =>
      write(serial, 'engine_fetch', JSON.stringify({ install: names.map((name) => ({ name })) })),
  };
}
