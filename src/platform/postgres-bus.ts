/**
 * Notifications between the replicas over one database: one channel, one connection that listens and tells. What is to be told
 * is collected and sent behind the commits, never within them: PostgreSQL commits one after the other what notifies.
 */
import pg from 'pg';
import { explain } from '../errors.ts';
import { systemClock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { isNothing, type News, type Note, newsTexts, noNews, readNews } from './peer-news.ts';
import type { TimeHeard } from './postgres-clock.ts';
import { databaseError } from './postgres-errors.ts';
import { newSecret } from './tokens.ts';

const CHANNEL = 'gwe_platform';
const CONNECT_TIMEOUT_MS = 5_000;
const AGAIN_MS = 500;
/** How often the connection is tried, and how long an answer may take: so one that the network dropped silently is noticed. */
const TRY_MS = 2_500;
const ANSWER_MS = 5_000;
/** Between two messages: under load this makes few large ones of many small ones. */
const SPACING_MS = 5;
/** Writes that wait to be told while the connection is away; more are forgotten, and everybody looks for themselves. */
const WRITES_MAX = 50_000;
const TIME = 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms';
const TELL = `SELECT pg_notify('${CHANNEL}', told) FROM unnest($1::text[]) told`;

export interface Bus {
  /** Names this replica among the others. */
  readonly name: string;
  wrote(gateway: number, aliases: readonly string[]): void;
  publish(event: News['events'][number]): void;
  note(note: Note): void;
  /** Hears what the others tell. */
  onNews(listener: (news: News) => void): void;
  /** Called when the server does not answer, though nobody said that the connection is gone; after a moment, in which others may hear of it. */
  onSilence(listener: (silent_ms: number) => void): void;
  close(): Promise<void>;
}

/**
 * Opens the connection. Raises `busy` when PostgreSQL is away; later it is made again as often as it breaks. `onTime` is told the
 * time of the database, at once and again and again.
 */
export async function openBus(
  url: string,
  log: Log,
  onTime: (heard: TimeHeard) => void = () => {},
): Promise<Bus> {
  const name = newSecret().slice(0, 12);
  let tellSilence: (silent_ms: number) => void = () => {};
  const listeners: Array<(news: News) => void> = [];
  let pending = noNews();
  let writes = 0;
  let isOver = false;
  let isSending = false;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;

  let isTrying = false;
  let last: Promise<unknown> = Promise.resolve();
  /** A connection carries one question at a time. */
  const inTurn = <T>(ask: () => Promise<T>): Promise<T> => {
    const mine = last.then(ask);
    last = mine.catch(() => {});
    return mine;
  };

  const hear = (text: string | undefined) => {
    const { from, news } = readNews(text ?? '');
    if (from !== name) for (const listener of listeners) listener(news);
  };
  const lose = (lost: pg.Client, error: unknown) => {
    if (client !== lost) return;
    client = undefined;
    if (isTimeout(error)) setTimeout(tellSilence, AGAIN_MS, ANSWER_MS).unref();
    lost.end().catch(() => {});
    if (isOver) return;
    log.warning(`PostgreSQL: the connection that hears of other replicas is lost: ${explain(error)}`);
    again();
  };
  const connect = async () => {
    const made = await listen(url, hear, onTime);
    made.once('end', () => lose(made, new Error('it ended')));
    client = made;
  };
  const again = () => {
    timer = setTimeout(() => {
      connect().then(
        () => {
          // Neither did we hear what was told meanwhile, nor can all have been heard that was being told.
          for (const listener of listeners) listener({ ...noNews(), isGap: true });
          pending.isGap = true;
          send();
        },
        () => isOver || again(),
      );
    }, AGAIN_MS).unref();
  };
  const send = () => {
    if (isSending || client === undefined) return;
    isSending = true;
    setImmediate(() => {
      void sendAll().finally(() => {
        isSending = false;
        if (!isNothing(pending)) send();
      });
    });
  };
  const sendAll = async () => {
    for (;;) {
      const telling = client;
      const texts = newsTexts(name, pending);
      if (telling === undefined || texts.length === 0) return;
      pending = noNews();
      writes = 0;
      try {
        await inTurn(() => telling.query(TELL, [texts]));
      } catch (error) {
        pending.isGap = true;
        return lose(telling, error);
      }
      await new Promise((resolve) => setTimeout(resolve, SPACING_MS));
    }
  };
  await connect();
  const trying = setInterval(() => {
    const tried = client;
    if (tried === undefined || isTrying) return;
    isTrying = true;
    inTurn(() => timeOf(tried))
      .then(onTime, (error) => lose(tried, error))
      .finally(() => {
        isTrying = false;
      });
  }, TRY_MS).unref();

  return {
    name,
    wrote(gateway, aliases) {
      writes += aliases.length;
      if (writes > WRITES_MAX) {
        pending = { ...pending, writes: new Map(), isGap: true };
        writes = 0;
      }
      for (const alias of aliases) {
        const ids = pending.writes.get(alias);
        if (ids === undefined) pending.writes.set(alias, new Set([gateway]));
        else ids.add(gateway);
      }
      send();
    },
    publish(event) {
      // The gap that follows a lost connection stands for all events that were lost with it.
      if (client !== undefined) pending.events.push(event);
      send();
    },
    note(note) {
      pending.notes.add(note);
      send();
    },
    onNews: (listener) => void listeners.push(listener),
    onSilence(listener) {
      tellSilence = listener;
    },
    async close() {
      isOver = true;
      clearTimeout(timer);
      clearInterval(trying);
      const leaving = client;
      const texts = newsTexts(name, pending);
      if (texts.length > 0) await inTurn(async () => leaving?.query(TELL, [texts])).catch(() => {});
      client = undefined;
      await leaving?.end().catch(() => {});
    },
  };
}

async function timeOf(client: pg.Client): Promise<TimeHeard> {
  const asked_ms = systemClock.monotonic();
  const { rows } = await client.query<{ ms: number }>(TIME);
  return { database_ms: rows[0]?.ms ?? Date.now(), asked_ms, came_ms: systemClock.monotonic() };
}

/** The driver's own: it names no code. */
const isTimeout = (error: unknown) => error instanceof Error && error.message === 'Query read timeout';

async function listen(
  url: string,
  hear: (text: string | undefined) => void,
  onTime: (heard: TimeHeard) => void,
): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: ANSWER_MS,
    keepAlive: true,
    application_name: 'gwe platform (hears of other replicas)',
  });
  client.on('error', () => {});
  client.on('notification', ({ payload }) => hear(payload));
  try {
    await client.connect();
    // What is told need not be on the disk: who misses it looks for it.
    await client.query('SET synchronous_commit = off');
    await client.query(`LISTEN ${CHANNEL}`);
    onTime(await timeOf(client));
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw databaseError(error);
  }
}
