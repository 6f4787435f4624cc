/** What replicas tell each other, as texts that fit into a notification of PostgreSQL. Pure. */
import { EVENT_TYPES, type FleetEvent } from './events.ts';
import { asObject, parseObject } from './reported.ts';

/** About the lease: `yield` asks for it, `free` says that it can be had. */
export const NOTES = ['yield', 'free'] as const;
export type Note = (typeof NOTES)[number];

export interface News {
  /** Ids of gateways, by the alias that was written there. */
  writes: Map<string, Set<number>>;
  events: Array<Pick<FleetEvent, 'type' | 'data'>>;
  notes: Set<Note>;
  /** Something could not be told: look for yourselves. */
  isGap: boolean;
}

/** PostgreSQL takes less than 8,000 bytes. */
const NOTIFICATION_MAX_BYTES = 7_900;
/** Gateways in one item: a million's ids have four letters each. */
const ITEM_MAX_IDS = 500;

export const noNews = (): News => ({ writes: new Map(), events: [], notes: new Set(), isGap: false });

export function isNothing({ writes, events, notes, isGap }: News): boolean {
  return writes.size === 0 && events.length === 0 && notes.size === 0 && !isGap;
}

/** The texts of the notifications that tell all of it. An event that is too long for one becomes `reset`: look at everything. */
export function newsTexts(from: string, news: News): string[] {
  const head = `{"from":${JSON.stringify(from)},"news":[`;
  const texts: string[] = [];
  let items: string[] = [];
  let size_bytes = 0;
  const end = () => {
    if (items.length > 0) texts.push(`${head}${items.join(',')}]}`);
    items = [];
    size_bytes = Buffer.byteLength(head) + 2;
  };
  end();
  for (const item of itemsOf(news)) {
    const whole = JSON.stringify(item);
    const isTooLong = Buffer.byteLength(whole) > NOTIFICATION_MAX_BYTES - 200;
    const text = isTooLong ? JSON.stringify(['event', 'reset', {}]) : whole;
    const more_bytes = Buffer.byteLength(text) + 1;
    if (size_bytes + more_bytes > NOTIFICATION_MAX_BYTES) end();
    items.push(text);
    size_bytes += more_bytes;
  }
  end();
  return texts;
}

function itemsOf({ writes, events, notes, isGap }: News): unknown[][] {
  const written = [...writes].flatMap(([alias, ids]) => {
    const all = [...ids].map((id) => id.toString(36));
    const parts: unknown[][] = [];
    for (let at = 0; at < all.length; at += ITEM_MAX_IDS)
      parts.push(['writes', alias, all.slice(at, at + ITEM_MAX_IDS).join(' ')]);
    return parts;
  });
  return [
    ...(isGap ? [['gap']] : []),
    ...[...notes].map((note) => ['note', note]),
    ...written,
    ...events.map(({ type, data }) => ['event', type, data]),
  ];
}

/** What a notification tells, and who sent it. What is not understood is left out: another version may have sent it. */
export function readNews(text: string): { from: string; news: News } {
  const { from, news: items } = parseObject(text);
  const news = noNews();
  for (const item of Array.isArray(items) ? items : []) if (Array.isArray(item)) readItem(news, item);
  return { from: String(from), news };
}

function readItem(news: News, [kind, name, what]: readonly unknown[]): void {
  if (kind === 'gap') news.isGap = true;
  if (kind === 'writes' && typeof name === 'string' && typeof what === 'string') {
    const ids = news.writes.get(name) ?? new Set();
    for (const id of what.split(' ')) ids.add(Number.parseInt(id, 36));
    news.writes.set(name, ids);
  }
  const type = kind === 'event' ? EVENT_TYPES.find((each) => each === name) : undefined;
  if (type !== undefined) news.events.push({ type, data: dataOf(what) });
  const note = kind === 'note' ? NOTES.find((each) => each === name) : undefined;
  if (note !== undefined) news.notes.add(note);
}

function dataOf(value: unknown): FleetEvent['data'] {
  const { product, ...data } = asObject(value);
  return typeof product === 'string' ? { product, ...data } : data;
}
