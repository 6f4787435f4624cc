import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newsTexts, noNews, readNews } from '../../src/platform/peer-news.ts';

/** PostgreSQL refuses a notification of 8,000 bytes. */
const LIMIT_BYTES = 8_000;

test('news of any size is told in notifications that PostgreSQL takes, and none of it is lost', () => {
  const news = noNews();
  const ids = Array.from({ length: 20_000 }, (_, i) => 10_000_000 + i * 37);
  news.writes.set('engine_report', new Set(ids));
  news.writes.set('é'.repeat(200), new Set([1]));
  for (let i = 0; i < 300; i += 1)
    news.events.push({ type: 'gateway', data: { product: 'P', serial: `S${i}`, apps: { 'a"b\n': '1' } } });
  news.notes.add('yield');
  const texts = newsTexts('me', news);
  const heard = noNews();
  for (const text of texts) {
    assert.ok(Buffer.byteLength(text) < LIMIT_BYTES);
    const { from, news: part } = readNews(text);
    assert.equal(from, 'me');
    for (const [alias, some] of part.writes)
      heard.writes.set(alias, new Set([...(heard.writes.get(alias) ?? []), ...some]));
    heard.events.push(...part.events);
    for (const note of part.notes) heard.notes.add(note);
  }
  assert.deepEqual([...(heard.writes.get('engine_report') ?? [])].join(), ids.join());
  heard.writes.delete('engine_report');
  news.writes.delete('engine_report');
  assert.deepEqual(heard, news);
  assert.deepEqual(newsTexts('me', noNews()), [], 'nothing is nothing');
});

test('an event that is too long for a notification becomes the request to read anew', () => {
  const news = noNews();
  news.events.push({ type: 'gateway', data: { product: 'P', apps: 'x'.repeat(LIMIT_BYTES) } });
  const [text = '', ...more] = newsTexts('me', news);
  assert.deepEqual([more, readNews(text).news.events], [[], [{ type: 'reset', data: {} }]]);
});

test('what another version says, or nobody, is left out', () => {
  for (const text of [
    '',
    '[]',
    '{"news":7}',
    '{"from":"x","news":[["later",1],["event","new",{}],["note","go"],7]}',
  ])
    assert.deepEqual(readNews(text).news, noNews());
});
