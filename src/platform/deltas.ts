/**
 * Deltas that the platform makes by itself: whenever a tarball was uploaded, those from the last three versions of the same
 * application, one after the other, each in a process of its own and of the lowest priority, so that neither check-ins nor
 * uploads are held up. A tarball's meta tells gateways which ones there are. What cannot be made is logged and left:
 * gateways then fetch the whole.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import {
  announcedDeltas,
  DELTA_HEADER_MAX_BYTES,
  type DeltaHeader,
  decodeHeader,
  deltaName,
  metaWithDeltas,
  parseDeltaName,
} from '../app/delta-format.ts';
import { parseTarballName } from '../app/name.ts';
import { explain, GweError } from '../errors.ts';
import { makeFolder, removeFolder } from '../host/files.ts';
import { runScript } from '../host/processes.ts';
import type { Platform } from './context.ts';
import {
  CONTENT_CHUNK_BYTES,
  DELTA_MAX_PART,
  DELTA_TARBALL_MAX_BYTES,
  DELTA_TARBALL_MIN_BYTES,
  DELTA_TIME_LIMIT_S,
  DELTA_VERSIONS,
} from './limits.ts';
import { isUploaded } from './provision.ts';
import type { Content } from './store.ts';

export interface Deltas {
  /** Something was uploaded. Returns at once. */
  uploaded(product: string, name: string): void;
  /** Something was removed. Returns at once. */
  removed(product: string, name: string): void;
  /** Resolves when nothing is left to be made. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

type Parts = Pick<Platform, 'store' | 'content' | 'events' | 'clock' | 'log'>;

interface Workshop extends Parts {
  /** Where it works; emptied before and after. */
  folder: string;
  /** What runs gwe. */
  gwe: readonly string[];
  signal: AbortSignal;
}

/** Begins with what an earlier run was interrupted in. */
export function openDeltas(parts: Parts, dataFolder: string, gwe: readonly string[]): Deltas {
  const stop = new AbortController();
  const workshop = { ...parts, folder: join(dataFolder, 'deltas'), gwe, signal: stop.signal };
  let last: Promise<void> = Promise.resolve();
  const after = (what: string, work: () => Promise<void>) => {
    last = last.then(async () => {
      if (stop.signal.aborted) return;
      await work().catch((error) => {
        if (!stop.signal.aborted) parts.log.warning(`Cannot ${what}: ${explain(error)}`);
      });
    });
  };
  const uploaded = (product: string, name: string) =>
    after(`make deltas to ${name}`, () => serve(workshop, product, name));
  const removed = (product: string, name: string) =>
    after(`remove the deltas to ${name}`, () => tidy(workshop, product, name));
  after('look for deltas to be made', async () => {
    removeFolder(workshop.folder);
    for (const { product, name } of await unserved(parts)) uploaded(product, name);
  });
  const close = async () => {
    stop.abort();
    await last;
  };
  const settle = async () => {
    for (let seen: Promise<void> | undefined; seen !== last; ) {
      seen = last;
      await seen;
    }
  };
  return { uploaded, removed, settle, close };
}

/** The newest tarball of each application whose meta says nothing of deltas. */
async function unserved({ store }: Parts): Promise<{ product: string; name: string }[]> {
  const found = [];
  for (const { name: product } of await store.products()) {
    const newest = new Map<string, Content>();
    for (const content of (await store.contents(product)) ?? []) {
      const app = appOf(content.name);
      if (app === undefined || !isServed(content)) continue;
      if (content.updated_ms >= (newest.get(app)?.updated_ms ?? 0)) newest.set(app, content);
    }
    for (const { name, meta } of newest.values())
      if (announcedDeltas(meta) === undefined) found.push({ product, name });
  }
  return found;
}

async function serve(workshop: Workshop, product: string, name: string): Promise<void> {
  const { store } = workshop;
  const tarball = parseDeltaName(name)?.tarball.file ?? name;
  const content = await store.content(product, tarball);
  if (content === undefined || appOf(tarball) === undefined || !isServed(content)) return;
  for (const base of basesOf(content, (await store.contents(product)) ?? []))
    await ensureDelta(workshop, product, base, content);
  const deltas = new Map<string, number>();
  for (const [base, delta] of await deltasTo(workshop, product, content)) deltas.set(base, delta.size_bytes);
  const now = await store.content(product, tarball);
  // Replaced in the meantime: then it is its turn again.
  if (now?.sha256 !== content.sha256) return;
  await store.setMeta(product, tarball, metaWithDeltas(now.meta, deltas));
}

/** The deltas that lead to a tarball, whoever made them, by the version that they lead from. */
async function deltasTo(
  workshop: Workshop,
  product: string,
  { name, sha256 }: Content,
): Promise<Map<string, Content>> {
  const found = new Map<string, Content>();
  for (const content of (await workshop.store.contents(product)) ?? []) {
    const named = parseDeltaName(content.name);
    if (named?.tarball.file !== name || !isUploaded(content)) continue;
    const header = await headerOf(workshop, content);
    if (header?.tarball_sha256 === sha256 && header.base === named.base) found.set(named.base, content);
  }
  return found;
}

/** What led to a tarball that is gone goes too. */
async function tidy({ store, content }: Workshop, product: string, name: string): Promise<void> {
  for (const each of (await store.contents(product)) ?? []) {
    if (parseDeltaName(each.name)?.tarball.file !== name) continue;
    await store.removeContent(product, each.name);
    await content.sweep(each.sha256);
  }
}

/** The last versions before this one, newest first. Pure. */
export function basesOf(content: Content, contents: readonly Content[]): Content[] {
  const app = appOf(content.name);
  return contents
    .filter((each) => each.name !== content.name && appOf(each.name) === app && isServed(each))
    .filter(({ updated_ms }) => updated_ms <= content.updated_ms)
    .sort((a, b) => b.updated_ms - a.updated_ms)
    .slice(0, DELTA_VERSIONS);
}

function isServed(content: Content): boolean {
  const { size_bytes } = content;
  return (
    isUploaded(content) && size_bytes >= DELTA_TARBALL_MIN_BYTES && size_bytes <= DELTA_TARBALL_MAX_BYTES
  );
}

function appOf(name: string): string | undefined {
  try {
    return parseTarballName(name).app;
  } catch {
    return undefined;
  }
}

/** Makes a delta and puts it beside its tarball, if it is not there. */
async function ensureDelta(
  workshop: Workshop,
  product: string,
  base: Content,
  target: Content,
): Promise<void> {
  const id = deltaName(target.name, parseTarballName(base.name).version);
  if (id === undefined) return;
  const there = await workshop.store.content(product, id);
  const header = there === undefined || !isUploaded(there) ? undefined : await headerOf(workshop, there);
  if (header?.base_sha256 === base.sha256 && header.tarball_sha256 === target.sha256) return;
  makeFolder(workshop.folder);
  try {
    await publish(workshop, product, id, await make(workshop, base, target), target);
  } finally {
    removeFolder(workshop.folder);
  }
}

async function headerOf({ content }: Workshop, delta: Content): Promise<DeltaHeader | undefined> {
  const end = Math.min(delta.size_bytes, DELTA_HEADER_MAX_BYTES) - 1;
  if (end < 0) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of await content.read(delta.sha256, 0, end)) chunks.push(chunk);
  return headerIn(Buffer.concat(chunks));
}

function headerIn(bytes: Buffer): DeltaHeader | undefined {
  try {
    return decodeHeader(bytes).header;
  } catch {
    return undefined;
  }
}

async function make(workshop: Workshop, base: Content, target: Content): Promise<string> {
  const { folder, content, gwe, signal, clock } = workshop;
  for (const { name, sha256, size_bytes } of [base, target]) {
    await pipeline(
      await content.read(sha256, 0, size_bytes - 1),
      createWriteStream(join(folder, name), { mode: 0o600 }),
      { signal },
    );
  }
  const to = join(folder, 'delta');
  const [file = '', ...args] = gwe;
  const command = ['nice', '-n', '19', file, ...args, 'delta', base.name, target.name, '--output', to];
  const end = await runScript(
    {
      command: ['env', ...command],
      cwd: folder,
      env: process.env,
      timeout_s: DELTA_TIME_LIMIT_S,
      killGrace_s: 1,
      outputMax_bytes: 4096,
      signal,
    },
    clock,
  );
  if (end.status === 0) return to;
  const said = end.output.toString('utf8').trim() || end.startError || (end.killedBy ?? '');
  throw new GweError('io', `gwe delta ended with ${end.status ?? 'a signal'}: ${said}`);
}

async function publish(
  { store, content, events, clock, log }: Workshop,
  product: string,
  name: string,
  file: string,
  target: Content,
): Promise<void> {
  const received = await content.receive(createReadStream(file, { highWaterMark: CONTENT_CHUNK_BYTES }));
  try {
    const { size_bytes, sha256 } = received;
    if (size_bytes > target.size_bytes * DELTA_MAX_PART) return;
    await received.keep();
    const entry = { name, type: 'application/octet-stream', size_bytes, sha256, now_ms: clock.now() };
    const end = await store.putContent(product, entry);
    if (end?.previous !== undefined && end.previous !== sha256) await content.sweep(end.previous);
    log.info(`Made ${name}: ${size_bytes} bytes in place of ${target.size_bytes}`);
    events.publish('content', { product, id: name });
  } finally {
    await received.release();
  }
}
