/** Requests of simulated gateways: a few kept connections that all of them share, bounded answers, no retries. */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { GweError } from '../errors.ts';

export interface SimulatedAnswer {
  status: number;
  etag: string | undefined;
  text: string;
}

export interface SimulatedHttp {
  ask(
    method: 'GET' | 'POST',
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<SimulatedAnswer>;
  /** Reads a body to its end and counts its bytes. */
  drain(path: string, headers: Readonly<Record<string, string>>): Promise<number>;
  close(): void;
}

/** Connections that a fleet shares; real gateways have one each, but not all at the same time. */
export const CONNECTIONS_MAX = 128;
/** Longest silence of the platform. */
const SILENCE_MS = 30_000;
const ANSWER_MAX_BYTES = 1024 ** 2;

/** Opens the way to a platform; nothing is contacted before the first request. */
export async function openSimulatedHttp(server: URL): Promise<SimulatedHttp> {
  const { Agent, request } =
    server.protocol === 'https:' ? await import('node:https') : await import('node:http');
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  const send = (method: string, path: string, headers: Readonly<Record<string, string>>, body?: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const options: RequestOptions = {
        method,
        path,
        agent,
        hostname: server.hostname.replace(/^\[(.*)\]$/, '$1'),
        port: server.port,
        timeout: SILENCE_MS,
        headers: body === undefined ? headers : { ...headers, 'Content-Length': Buffer.byteLength(body) },
      };
      const outgoing = request(options, resolve);
      outgoing.on('timeout', () => outgoing.destroy(new GweError('timeout', 'The platform does not answer')));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  return {
    async ask(method, path, headers, body) {
      const answer = await send(method, path, headers, body);
      const chunks: Buffer[] = [];
      let size_bytes = 0;
      for await (const chunk of answer) {
        if (!Buffer.isBuffer(chunk)) continue;
        size_bytes += chunk.length;
        if (size_bytes > ANSWER_MAX_BYTES) throw new GweError('protocol', 'The answer is too long');
        chunks.push(chunk);
      }
      const etag = answer.headers.etag;
      return { status: answer.statusCode ?? 0, etag, text: Buffer.concat(chunks).toString('utf8') };
    },
    async drain(path, headers) {
      const answer = await send('GET', path, headers);
      let size_bytes = 0;
      for await (const chunk of answer) size_bytes += Buffer.isBuffer(chunk) ? chunk.length : 0;
      if (answer.statusCode !== 200) throw new GweError('refused', `Content answered ${answer.statusCode}`);
      return size_bytes;
    },
    close: () => agent.destroy(),
  };
}
