/**
 * The way to the platform under a data budget: each thing that is asked must fit before it is asked, and a download is cut
 * where the budget ends. Raises `budget` for what does not fit: nothing failed, it waits.
 */
import { Readable } from 'node:stream';
import type { DeviceClient } from '../client/client.ts';
import type { Download } from '../client/content.ts';
import type { Budget } from './budget.ts';
import { carriedBy, EXCHANGE_BYTES } from './budget-count.ts';

/** Less than this of a content is not worth a connection. */
const PIECE_MIN_BYTES = 32 * 1024;
/** A body is encoded for the wire: text of JSON grows by a fifth or so. */
const ENCODED_FACTOR = 1.3;

/** Bytes on the line that a request with these values may come to. */
export function costOf(values: Readonly<Record<string, string>>): number {
  const body_bytes = Object.values(values).reduce((sum, value) => sum + value.length, 0);
  return EXCHANGE_BYTES + Math.ceil(body_bytes * ENCODED_FACTOR);
}

/** `client` under `budget`. */
export function limitedClient(client: DeviceClient, budget: Budget): DeviceClient {
  const checkIn = (what: string, cost_bytes = EXCHANGE_BYTES) => budget.require('check-in', cost_bytes, what);
  const piece = (what: string) => budget.require('download', EXCHANGE_BYTES + PIECE_MIN_BYTES, what);
  return {
    ...client,
    activate: async (who) => {
      checkIn(`activate ${who.serial}`);
      return await client.activate(who);
    },
    read: async (cik, aliases) => {
      checkIn('read');
      return await client.read(cik, aliases);
    },
    readWithTag: async (cik, alias) => {
      checkIn(`read ${alias}`);
      return await client.readWithTag(cik, alias);
    },
    clear: async (cik, alias, etag) => {
      checkIn(`clear ${alias}`);
      return await client.clear(cik, alias, etag);
    },
    timestamp: async () => {
      checkIn('read the time');
      return await client.timestamp();
    },
    longPoll: async (cik, alias, options) => {
      checkIn(`wait for ${alias}`);
      return await client.longPoll(cik, alias, options);
    },
    writeRead: async (cik, values, aliases) => {
      checkIn('check in', costOf(values));
      return await client.writeRead(cik, values, aliases);
    },
    write: async (cik, values) => {
      budget.require('report', costOf(values), `report ${Object.keys(values).join(', ')}`);
      await client.write(cik, values);
    },
    record: async (cik, points) => {
      const values = Object.entries(points).flatMap(([alias, each]) =>
        each.map(([, value]) => [alias, value]),
      );
      budget.require(
        'report',
        costOf(Object.fromEntries(values)),
        `report ${Object.keys(points).join(', ')}`,
      );
      await client.record(cik, points);
    },
    listContent: async (cik, area) => {
      piece('list the content');
      return await client.listContent(cik, area);
    },
    contentInfo: async (cik, where) => {
      piece(`look up ${where.id}`);
      return await client.contentInfo(cik, where);
    },
    download: async (cik, where, options) => {
      const what = `download ${where.id}`;
      piece(what);
      const fits_bytes = carriedBy(budget.left('download').bytes);
      if (fits_bytes === Number.POSITIVE_INFINITY) {
        return watched(await client.download(cik, where, options), budget, fits_bytes, what);
      }
      const to_byte = options.from_byte + fits_bytes - 1;
      const answer = await client.download(cik, where, { ...options, to_byte });
      if (isInVain(answer, options.from_byte, fits_bytes)) {
        answer.body.destroy();
        budget.require('download', Number.POSITIVE_INFINITY, what);
      }
      return watched(answer, budget, fits_bytes, what);
    },
  };
}

/**
 * A server that knows no ranges sends everything from the first byte. What does not fit whole then would be begun anew each
 * day: it is left alone, and so is what has come already.
 */
function isInVain({ from_byte, total_bytes }: Download, asked_byte: number, fits_bytes: number): boolean {
  return from_byte !== asked_byte && (total_bytes ?? Number.POSITIVE_INFINITY) > fits_bytes;
}

/** The same download, ended by `budget` where no more fits. */
function watched(answer: Download, budget: Budget, fits_bytes: number, what: string): Download {
  const end_byte = answer.total_bytes ?? Number.POSITIVE_INFINITY;
  async function* pieces() {
    let done_bytes = 0;
    try {
      for await (const chunk of answer.body) {
        if (!Buffer.isBuffer(chunk)) continue;
        const room_bytes = fits_bytes - done_bytes;
        budget.moving(chunk.length);
        done_bytes += Math.min(chunk.length, room_bytes);
        yield chunk.length <= room_bytes ? chunk : chunk.subarray(0, room_bytes);
        if (done_bytes >= fits_bytes) break;
        // An hour that does not count may be over by now, or others have used the line.
        budget.require('download', 1, what);
      }
    } finally {
      answer.body.destroy();
    }
    if (done_bytes >= fits_bytes && answer.from_byte + done_bytes < end_byte) {
      budget.require('download', Number.POSITIVE_INFINITY, what);
    }
  }
  return { ...answer, body: Readable.from(pieces(), { objectMode: false }) };
}
