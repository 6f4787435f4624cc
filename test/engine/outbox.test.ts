import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Carrier, entriesToDrop, openOutbox, sendOutbox } from '../../src/engine/outbox.ts';
import { GweError } from '../../src/errors.ts';

const limits = { maxEntries: 4, max_bytes: 1000 };
const folder = () => join(mkdtempSync(join(tmpdir(), 'gwe-outbox-')), 'outbox');
const end = (id: string, value = `${id}: installed`) => ({ id, alias: 'fetch_status', value, time_ms: 1000 });
const usage = (id: string) => ({ id, alias: 'usage_report', value: '{}', time_ms: 5000 });

/** A platform of our own: a list of what it was told, which may refuse. */
function carrierTo(
  told: string[],
  trouble: () => GweError | undefined = () => undefined,
  tagged = true,
): Carrier {
  const tell = async (line: string) => {
    const error = trouble();
    if (error !== undefined) throw error;
    told.push(line);
  };
  return {
    write: (alias, value) => tell(`${alias}=${value}`),
    record: (alias, time_s, value) => tell(`${alias}@${time_s}=${value}`),
    read: async (alias) => {
      const at = told.findLastIndex((line) => line.startsWith(`${alias}=`));
      return { value: told[at]?.slice(alias.length + 1) ?? '', tag: tagged ? `"${at}"` : undefined };
    },
    isRetryable: (error) => error.code === 'offline',
  };
}

test('reports leave in the order in which they came, also after a restart', async () => {
  const at = folder();
  for (const id of ['a', 'b']) openOutbox(at, limits).add(end(id));
  openOutbox(at, limits).add(usage('u'));
  const told: string[] = [];
  await sendOutbox(openOutbox(at, limits), carrierTo(told), () => {});
  assert.deepEqual(told, ['fetch_status=a: installed', 'fetch_status=b: installed', 'usage_report@5={}']);
  assert.deepEqual(readdirSync(at), []);
});

test('the same end put in twice is one report', () => {
  const outbox = openOutbox(folder(), limits);
  outbox.add(end('a'));
  outbox.add(end('a'));
  assert.equal(outbox.entries().length, 1);
});

test('a full outbox drops the oldest usage first and never how an install ended', () => {
  const outbox = openOutbox(folder(), limits);
  for (const entry of [usage('u1'), end('a'), usage('u2'), end('b'), end('c'), end('d'), end('e')])
    outbox.add(entry);
  assert.deepEqual(
    outbox.entries().map((entry) => entry.id),
    ['a', 'b', 'c', 'd', 'e'],
  );
  assert.deepEqual(entriesToDrop([{ name: 'x', droppable: true, size_bytes: 900 }], 200, limits), ['x']);
});

test('an outage keeps what was not acknowledged, and what arrived without an answer is not sent again', async () => {
  const at = folder();
  const outbox = openOutbox(at, limits);
  outbox.add(end('a'));
  outbox.add(end('b'));
  const told: string[] = [];
  const arrivesUnanswered: Carrier = {
    ...carrierTo(told),
    write: async (alias, value) => {
      told.push(`${alias}=${value}`);
      throw new GweError('offline', 'the answer was lost');
    },
  };
  await assert.rejects(
    sendOutbox(outbox, arrivesUnanswered, () => {}),
    { code: 'offline' },
  );
  await sendOutbox(openOutbox(at, limits), carrierTo(told), () => {});
  assert.deepEqual(told, ['fetch_status=a: installed', 'fetch_status=b: installed']);
});

test('what the platform refuses for good is given up and said, and the next report goes on', async () => {
  const outbox = openOutbox(folder(), limits);
  outbox.add(end('a'));
  outbox.add(end('b'));
  const told: string[] = [];
  const refused: string[] = [];
  let calls = 0;
  const carrier = carrierTo(told, () => (++calls === 1 ? new GweError('too-large', '413') : undefined));
  await sendOutbox(outbox, carrier, (entry) => refused.push(entry.id));
  assert.deepEqual([told, refused], [['fetch_status=b: installed'], ['a']]);
});

test('a torn or foreign file in the outbox stops nothing', () => {
  const at = folder();
  openOutbox(at, limits).add(end('a'));
  writeFileSync(join(at, '00000000-fetch_status.json'), '{"id": "x"');
  writeFileSync(join(at, 'README'), 'hello');
  assert.deepEqual(
    openOutbox(at, limits)
      .entries()
      .map((entry) => entry.id),
    ['a'],
  );
});

test('of two ends with the same text the second is not taken for the first when its sending got no answer', async () => {
  for (const tagged of [true, false]) {
    const at = folder();
    const told: string[] = [];
    const outbox = openOutbox(at, limits);
    outbox.add(end('a', 'app.v1.tar.gz: installed'));
    await sendOutbox(outbox, carrierTo(told, undefined, tagged), () => {});
    outbox.add(end('b', 'app.v1.tar.gz: installed'));
    const lost = carrierTo(told, () => new GweError('offline', 'it never left'), tagged);
    await assert.rejects(
      sendOutbox(outbox, lost, () => {}),
      { code: 'offline' },
    );
    await sendOutbox(openOutbox(at, limits), carrierTo(told, undefined, tagged), () => {});
    assert.equal(told.length, 2, tagged ? 'with tags' : 'without tags');
  }
});

test('with tags, an end that arrived without an answer after an equal one is not sent again', async () => {
  const told = ['fetch_status=same'];
  const outbox = openOutbox(folder(), limits);
  outbox.add(end('b', 'same'));
  const unanswered: Carrier = {
    ...carrierTo(told),
    write: async (alias, value) => {
      told.push(`${alias}=${value}`);
      throw new GweError('offline', 'the answer was lost');
    },
  };
  await assert.rejects(
    sendOutbox(outbox, unanswered, () => {}),
    { code: 'offline' },
  );
  await sendOutbox(outbox, carrierTo(told), () => {});
  assert.equal(told.length, 2);
});
