/** The JSON API's events, as Server-Sent Events (HTML Living Standard): what changes, to whoever listens, with bounded buffers. */
import { Readable } from 'node:stream';
import { maySee, productsAsked } from './access.ts';
import type { Answer } from './answer.ts';
import type { OperatorCall } from './context.ts';
import type { FleetEvent } from './events.ts';
import { EVENT_BACKLOG_MAX_BYTES, EVENT_HEARTBEAT_MS } from './limits.ts';
import { fieldOf } from './request.ts';

/** What a browser waits before it comes back. */
const RETRY_MS = 2_000;

/** `GET /api/v1/events?product=&after=`. With Last-Event-ID what came since then comes first, or `reset`. */
export async function events(call: OperatorCall): Promise<Answer> {
  const { request } = call;
  const pairs = request.pairs();
  const product = fieldOf(pairs, 'product');
  productsAsked(call, product);
  const after = request.header('last-event-id') ?? fieldOf(pairs, 'after');
  return {
    status: 200,
    headers: [
      ['Content-Type', 'text/event-stream; charset=utf-8'],
      ['Cache-Control', 'no-store'],
      ['X-Content-Type-Options', 'nosniff'],
      // A proxy that buffers would hold the events back.
      ['X-Accel-Buffering', 'no'],
    ],
    feed: { open: () => openFeed(call, product, after) },
  };
}

function openFeed(call: OperatorCall, product: string | undefined, after: string | undefined): Readable {
  const { platform, operator } = call;
  const feed = new Readable({ read() {} });
  const say = (text: string) => {
    feed.push(text);
    // Who does not keep up comes back, and goes on where it was.
    if (feed.readableLength > EVENT_BACKLOG_MAX_BYTES) feed.destroy();
  };
  const isMeant = ({ data }: FleetEvent) =>
    data.product === undefined ||
    (maySee(operator, data.product) && (product === undefined || product === data.product));
  const tell = (event: FleetEvent) => {
    if (isMeant(event)) say(eventText(event));
  };
  const end = () => void (feed.destroyed || feed.push(null));
  const stop = platform.events.listen(tell, end);
  const heartbeat = setInterval(() => {
    say(`: ${platform.events.newest}\n\n`);
    platform.access.isGood(operator).then((isGood) => isGood || end(), end);
  }, EVENT_HEARTBEAT_MS).unref();
  feed.once('close', () => {
    clearInterval(heartbeat);
    stop();
  });
  say(`retry: ${RETRY_MS}\nid: ${platform.events.newest}\n\n`);
  if (after !== undefined) catchUp(call, after, tell);
  return feed;
}

function catchUp({ platform }: OperatorCall, after: string, tell: (event: FleetEvent) => void): void {
  const missed = platform.events.since(after);
  if (missed === undefined) tell({ id: platform.events.newest, type: 'reset', data: {} });
  else for (const event of missed) tell(event);
}

/** One event as text; JSON has no line ends. */
export function eventText({ id, type, data }: FleetEvent): string {
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
