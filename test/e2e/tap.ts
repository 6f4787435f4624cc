/** A tap on the line between a gateway and its platform: writes down every request, and can spoil an answer on its way back. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEnd } from './ending.ts';
import type { Ending } from './machine.ts';

export interface TappedRequest {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/**
 * What to do with a request: hand it on (nothing), answer in the platform's place, hand it on and lose the answer, or end
 * the connection; `reset` ends it as a router does that has forgotten it.
 */
export type Verdict =
  | undefined
  | { status: number; body?: string; headers?: Record<string, string> }
  | { answer: (outgoing: http.ServerResponse) => void }
  | 'lose-answer'
  | 'reset'
  | 'reset-answer'
  | 'cut'
  | { cutAfter_bytes: number };

export interface Tap {
  url: string;
  requests: TappedRequest[];
  /** Called for each request, in order. */
  judge: (request: TappedRequest) => Verdict;
  /** Bytes of content that went to the gateway. */
  delivered_bytes: number;
}

/** Lays a tap before the platform at `target`. */
export async function startTap(t: Ending, target: string): Promise<Tap> {
  const tap: Tap = { url: '', requests: [], judge: () => undefined, delivered_bytes: 0 };
  const server = http.createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', () => {
      const body = Buffer.concat(chunks);
      const request = {
        method: incoming.method ?? '',
        url: incoming.url ?? '',
        headers: incoming.headers,
        body: body.toString(),
      };
      tap.requests.push(request);
      handOn(tap, target, request, body, incoming, outgoing);
    });
  });
  server.listen(0, '127.0.0.1');
  await new Promise((ready) => server.once('listening', ready));
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  tap.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return tap;
}

function handOn(
  tap: Tap,
  target: string,
  request: TappedRequest,
  body: Buffer,
  incoming: http.IncomingMessage,
  outgoing: http.ServerResponse,
): void {
  const verdict = tap.judge(request);
  if (verdict === 'cut') return void incoming.socket.destroy();
  if (verdict === 'reset') return void incoming.socket.resetAndDestroy();
  if (typeof verdict === 'object' && 'answer' in verdict) {
    verdict.answer(outgoing);
    return;
  }
  if (typeof verdict === 'object' && 'status' in verdict) {
    const text = verdict.body ?? '';
    outgoing.writeHead(verdict.status, { 'Content-Length': Buffer.byteLength(text), ...verdict.headers });
    return void outgoing.end(text);
  }
  const onward = http.request(new URL(request.url, target), {
    method: request.method,
    headers: incoming.headers,
    agent: false,
  });
  onward.on('error', () => incoming.socket.destroy());
  onward.on('response', (answer) => {
    if (verdict === 'lose-answer' || verdict === 'reset-answer') {
      answer.resume();
      const isReset = verdict === 'reset-answer';
      return void answer.once('end', () =>
        isReset ? incoming.socket.resetAndDestroy() : incoming.socket.destroy(),
      );
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    let left = verdict === undefined ? Number.POSITIVE_INFINITY : verdict.cutAfter_bytes;
    answer.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, Math.min(chunk.length, left));
      left -= part.length;
      if (request.url.includes('/download')) tap.delivered_bytes += part.length;
      outgoing.write(part, () => left <= 0 && incoming.socket.destroy());
    });
    answer.on('end', () => outgoing.end());
    answer.on('error', () => incoming.socket.destroy());
  });
  onward.end(body);
}
