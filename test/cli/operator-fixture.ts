/** For tests of the operator's commands: a real platform in a temporary folder, commands run in this process, and a gateway by hand. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TestContext } from 'node:test';
import { createGzip } from 'node:zlib';
import { run } from '../../src/cli/run.ts';
import { findPlaces } from '../../src/config/places.ts';
import { type Clock, systemClock } from '../../src/host/clock.ts';
import { createLog } from '../../src/host/log.ts';

export const TOKEN = 'token-of-the-tests-0123456789';

export interface Done {
  status: number;
  out: string;
  err: string;
}

export interface Operated {
  url: string;
  folder: string;
  /** Runs `gwe ARGS…` as an operator who is logged in. */
  gwe(args: readonly string[], extras?: Extras): Promise<Done>;
  /** Stops the platform, does something, and starts it again at the same place. */
  outage(meanwhile: () => Promise<void>): Promise<void>;
  /** A device call by hand. */
  device(path: string, init?: RequestInit): Promise<Response>;
}

export interface Extras {
  input?: string;
  env?: NodeJS.ProcessEnv;
  signal?: AbortSignal;
  clock?: Clock;
  /** Told each time something is printed. */
  onOut?: (all: string) => void;
}

/** Runs one command line in this process. */
export async function gwe(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  extras: Extras = {},
): Promise<Done> {
  const done: Done = { status: -1, out: '', err: '' };
  done.status = await run([...args], 'gwe', {
    env: { ...env, ...extras.env },
    out: (text) => {
      done.out += text;
      extras.onOut?.(done.out);
    },
    err: (text) => {
      done.err += text;
    },
    isTerminal: false,
    clock: extras.clock ?? systemClock,
    places: findPlaces({ ...env, ...extras.env }, false),
    signal: extras.signal ?? new AbortController().signal,
    executable: [],
    input: Readable.from(extras.input === undefined ? [] : [Buffer.from(extras.input)]),
  });
  return done;
}

/** A folder that is gone when the test is over. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gwe-operator-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A platform that lives as long as the test, and an operator logged in to it. */
export async function startOperated(t: TestContext): Promise<Operated> {
  const folder = await temporaryFolder(t);
  const { startPlatform } = await import('../../src/platform/platform.ts');
  const start = (port: number) =>
    startPlatform({
      dataFolder: join(folder, 'data'),
      host: '127.0.0.1',
      port,
      vendor: 'gwe',
      presetToken: TOKEN,
      log: createLog('ERROR'),
      clock: systemClock,
    });
  let platform = await start(0);
  const { url, port } = platform;
  t.after(() => platform.close());
  const env = { HOME: folder, GWE_PLATFORM_URL: url, GWE_PLATFORM_TOKEN: TOKEN };
  return {
    url,
    folder,
    outage: async (meanwhile) => {
      await platform.close();
      await meanwhile();
      platform = await start(port);
    },
    gwe: (args, extras) => gwe(args, env, extras),
    device: (path, init) => fetch(`${url}${path}`, init),
  };
}

/** A gateway by hand: activates, then speaks for itself over the device API. */
export async function activateGateway(operated: Operated, product: string, serial: string) {
  const answer = await operated.device('/provision/activate', {
    method: 'POST',
    body: new URLSearchParams({ vendor: product, model: product, sn: serial }),
  });
  const cik = await answer.text();
  if (answer.status !== 200) throw new Error(`activation answered ${answer.status} ${cik}`);
  const stack = (query: string, init: RequestInit = {}) =>
    operated.device(`/onep:v1/stack/alias${query}`, {
      ...init,
      headers: { 'X-Exosite-CIK': cik, ...init.headers },
    });
  return {
    cik,
    write: async (values: Record<string, string>) =>
      void (await stack('', { method: 'POST', body: new URLSearchParams(values) })),
    read: async (alias: string) =>
      new URLSearchParams(await (await stack(`?${alias}`)).text()).get(alias) ?? '',
    /** Waits until the alias is written, and gives its value. */
    await: async (alias: string) => {
      const answered = await stack(`?${alias}`, {
        headers: { 'Request-Timeout': '30000', 'If-Modified-Since': '1' },
      });
      return new URLSearchParams(await answered.text()).get(alias) ?? '';
    },
  };
}

const BLOCK_BYTES = 512;

/** Writes a tarball of some files, each executable, and gives its path. */
export async function makeTarball(
  folder: string,
  name: string,
  files: Record<string, string>,
): Promise<string> {
  const blocks = Object.entries(files).flatMap(([path, text]) => {
    const bytes = Buffer.from(text);
    return [
      tarHeader(path, bytes.length),
      bytes,
      Buffer.alloc((BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES),
    ];
  });
  const path = join(folder, name);
  await pipeline(
    Readable.from([...blocks, Buffer.alloc(2 * BLOCK_BYTES)]),
    createGzip(),
    createWriteStream(path),
  );
  return path;
}

function tarHeader(path: string, size_bytes: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  header.write(path, 0);
  header.write(octal(0o755, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size_bytes, 11), 124);
  header.write(octal(0, 11), 136);
  header.write('        ', 148);
  header.write('0', 156);
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** A tarball that passes every check. */
export const goodTarball = (folder: string, name: string, extra: Record<string, string> = {}) =>
  makeTarball(folder, name, { 'install.sh': '#!/bin/sh\nexit 0\n', ...extra });

/** A tarball that gateways discard. */
export const badTarball = (folder: string, name: string) =>
  makeTarball(folder, name, { 'readme.txt': 'no install.sh' });

/** A file that is no tarball at all. */
export async function makeFile(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}
