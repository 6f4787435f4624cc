/** What the Content Area needs of an S3 API, verb by verb. How one request is made is in s3-request.ts. */
import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { GweError } from '../errors.ts';
import {
  S3_COMPLETE_MS,
  S3_LINK_S,
  S3_PART_BYTES,
  S3_PROBE_MS,
  S3_REMOVE_MS,
  S3_UPLOAD_MS,
} from './limits.ts';
import type { S3Address } from './s3-address.ts';
import { type BegunUpload, begunUploads, completion, elementOf } from './s3-answers.ts';
import { busy, type S3Transport, textOf } from './s3-request.ts';

export interface S3 {
  /** Size of an object; `undefined` when there is none. */
  size(key: string): Promise<number | undefined>;
  /** An answer whose body is bytes `from` to `to`. Raises `io` when there is no such object. */
  get(key: string, from: number, to: number): Promise<IncomingMessage>;
  put(key: string, body: Buffer): Promise<void>;
  /** Sends a file in parts; nobody sees the object before the last one is there. Raises what `put` raises. */
  putFile(key: string, file: FileHandle, size_bytes: number): Promise<void>;
  /** Tries once, and not for long. */
  remove(key: string): Promise<void>;
  /** Asks once, and not for long, whether anything answers. */
  probe(key: string): Promise<void>;
  /** Aborts uploads that were begun before `before_ms`. Returns how many. */
  abortOlder(before_ms: number): Promise<number>;
  /** A URL under which anybody may read it for S3_LINK_S; `undefined` where there is to be none. */
  link(key: string): Promise<string | undefined>;
  close(): void;
}

const LIST_MAX_BYTES = 4 * 1024 ** 2;
const BYTES = { 'Content-Type': 'application/octet-stream' } as const;

/** The verbs over a transport; each raises `busy` when S3 cannot answer. */
export function createS3(address: S3Address, transport: S3Transport): S3 {
  const { send } = transport;

  async function sendText(request: Parameters<typeof send>[0]): Promise<string> {
    const response = await send(request);
    return await textOf(response, LIST_MAX_BYTES).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw busy(request.what, address, why, { cause: error });
    });
  }

  async function size(key: string): Promise<number | undefined> {
    const response = await send({ what: 'look up content', method: 'HEAD', key, answers: [200, 404] });
    response.resume();
    return response.statusCode === 404 ? undefined : Number(response.headers['content-length']);
  }

  async function put(key: string, body: Buffer): Promise<void> {
    const what = 'store content';
    await sendText({
      what,
      method: 'PUT',
      key,
      headers: BYTES,
      body,
      answers: [200],
      limit_ms: S3_UPLOAD_MS,
    });
  }

  async function begin(key: string): Promise<string> {
    const what = 'begin to store content';
    const query = { uploads: '' };
    const text = await sendText({ what, method: 'POST', key, query, headers: BYTES, answers: [200] });
    const id = elementOf(text, 'UploadId');
    if (id === '') throw busy(what, address, 'it gave no upload id');
    return id;
  }

  async function putPart(key: string, uploadId: string, number: number, body: Buffer): Promise<string> {
    const what = `store part ${number} of content`;
    const query = { partNumber: String(number), uploadId };
    const response = await send({
      what,
      method: 'PUT',
      key,
      query,
      body,
      answers: [200],
      limit_ms: S3_UPLOAD_MS,
    });
    response.resume();
    const { etag } = response.headers;
    if (etag === undefined) throw busy(what, address, 'it gave no ETag');
    return etag;
  }

  /** A failure may come with status 200, because S3 keeps the connection alive by beginning to answer. */
  async function complete(key: string, uploadId: string, etags: string[], size_bytes: number): Promise<void> {
    const what = 'complete the upload of content';
    const body = Buffer.from(completion(etags));
    const query = { uploadId };
    // 404: an earlier attempt was carried out, and its answer lost.
    const answers = [200, 404];
    const text = await sendText({
      what,
      method: 'POST',
      key,
      query,
      body,
      answers,
      limit_ms: S3_COMPLETE_MS,
    });
    const isThere = (await size(key)) === size_bytes;
    if (!isThere) throw busy(what, address, `it did not (${elementOf(text, 'Code') || 'no reason given'})`);
  }

  const abort = async (key: string, uploadId: string) => {
    const query = { uploadId };
    const what = 'abort an upload';
    (await send({ what, method: 'DELETE', key, query, answers: [200, 204, 404] })).resume();
  };

  async function list(next?: { key: string; id: string }): Promise<BegunUpload[]> {
    const marker = next === undefined ? {} : { 'key-marker': next.key, 'upload-id-marker': next.id };
    const query = { uploads: '', prefix: address.prefix, ...marker };
    const what = 'list begun uploads';
    const found = begunUploads(
      await sendText({ what, method: 'GET', key: undefined, query, answers: [200] }),
    );
    return found.next === undefined ? found.uploads : [...found.uploads, ...(await list(found.next))];
  }

  return {
    size,
    put,
    async get(key, from, to) {
      const headers = { Range: `bytes=${from}-${to}` };
      const answers = [206, 404];
      const response = await send({ what: 'read content', method: 'GET', key, headers, answers });
      if (response.statusCode === 206) return response;
      response.resume();
      throw new GweError('io', `Cannot read content ${key}: ${address.endpoint.host} has no such object`);
    },
    async putFile(key, file, size_bytes) {
      const part = Buffer.allocUnsafe(Math.min(S3_PART_BYTES, size_bytes));
      if (size_bytes <= S3_PART_BYTES) return await put(key, await readPart(file, part, 0));
      const id = await begin(key);
      try {
        const etags: string[] = [];
        for (let at = 0; at < size_bytes; at += S3_PART_BYTES) {
          const body = await readPart(file, part.subarray(0, Math.min(part.length, size_bytes - at)), at);
          etags.push(await putPart(key, id, etags.length + 1, body));
        }
        await complete(key, id, etags, size_bytes);
      } catch (error) {
        // What cannot be aborted now is aborted by a later sweep.
        await abort(key, id).catch(() => {});
        throw error;
      }
    },
    async remove(key) {
      const what = 'remove content';
      const limits = { attempts: 1, limit_ms: S3_REMOVE_MS };
      (await send({ what, method: 'DELETE', key, answers: [200, 204, 404], ...limits })).resume();
    },
    async probe(key) {
      const limits = { attempts: 1, limit_ms: S3_PROBE_MS };
      (await send({ what: 'reach content', method: 'HEAD', key, answers: [200, 404], ...limits })).resume();
    },
    async abortOlder(before_ms) {
      const old = (await list()).filter(({ begun_ms }) => begun_ms < before_ms);
      for (const { key, id } of old) await abort(key.slice(address.prefix.length), id);
      return old.length;
    },
    link: async (key) =>
      address.links === undefined ? undefined : transport.sign(key, S3_LINK_S, address.links),
    close: transport.close,
  };
}

async function readPart(file: FileHandle, into: Buffer, at: number): Promise<Buffer> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, at + done);
    if (bytesRead === 0) throw new GweError('io', 'Cannot store content: the spooled file became shorter');
    done += bytesRead;
  }
  return into;
}
