import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { GweError } from '../../src/errors.ts';
import { keepableBytes, type PartNote } from '../../src/installer/download.ts';
import { exists, type Ground, instructionOf, makeGround, never, tracing } from './ground.ts';

const NAME = 'app.v1.tar.gz';

describe('a download', () => {
  let ground: Ground;
  beforeEach(() => {
    ground = makeGround();
  });
  afterEach(() => ground.remove());

  const begin = (size_bytes = 300_000) => {
    ground.upload(NAME, { 'install.sh': tracing(), payload: randomBytes(size_bytes).toString('base64') });
    ground.open().accept(instructionOf(NAME));
  };
  const turn = () => ground.open().workOff(never());
  const gets = () => ground.asked.filter((each) => each.startsWith('get '));
  const part = () => join(ground.state, 'downloads', `${NAME}.part`);

  it('that is cut again and again goes on at its byte after each restart', async () => {
    begin(4_000_000);
    const total = ground.content.get(NAME)?.bytes.length ?? 0;
    let turns = 0;
    ground.network.cutAfter_bytes = 400_000;
    for (; !ground.reports.size && turns < 100; turns++) {
      const result = await turn();
      if (ground.reports.size === 0) assert.equal(result.retry?.code, 'offline');
      const left = total - (exists(part()) ? readFileSync(part()).length : total);
      if (left <= 400_000) ground.network.cutAfter_bytes = undefined as never;
    }
    assert.deepEqual(
      [...ground.reports.values()].map(({ outcome }) => outcome),
      ['installed'],
    );
    const starts = gets().map((each) => Number(each.split(' ')[2]));
    assert.deepEqual(
      starts,
      starts.map((_, n) => n * 400_000),
    );
    assert.ok(turns > 5);
  });

  it('goes on after a reboot only from what had surely reached the disk', async () => {
    begin();
    ground.network.cutAfter_bytes = 200_000;
    await turn();
    const note = JSON.parse(readFileSync(`${part()}.json`, 'utf8'));
    writeFileSync(`${part()}.json`, JSON.stringify({ ...note, synced_bytes: 65_536 }));
    writeFileSync(part(), Buffer.concat([readFileSync(part()).subarray(0, 65_536), Buffer.alloc(100_000)]));
    ground.start = { process: 'boot-2/1', boot: 'boot-2', uptime_ms: 0 };
    ground.network = {};
    await turn();
    assert.equal(gets().at(-1), `get ${NAME} 65536`);
    assert.equal([...ground.reports.values()][0]?.outcome, 'installed');
  });

  it('never mixes two contents: what was replaced meanwhile is fetched from its first byte', async () => {
    begin();
    ground.network.cutAfter_bytes = 100_000;
    await turn();
    const old = ground.content.get(NAME);
    ground.upload(NAME, { 'install.sh': tracing(), payload: 'another' });
    const now = ground.content.get(NAME);
    assert.ok(old !== undefined && now !== undefined);
    ground.content.set(NAME, { ...now, updated_s: old.updated_s + 1 });
    ground.network = {};
    await turn();
    assert.equal(gets().at(-1), `get ${NAME} 0`);
    assert.equal([...ground.reports.values()][0]?.outcome, 'installed');
  });

  it('starts over when the server ignores where to begin', async () => {
    begin();
    ground.network.cutAfter_bytes = 100_000;
    await turn();
    ground.network = {};
    const bytes = ground.content.get(NAME)?.bytes ?? Buffer.alloc(0);
    const deps = ground.deps();
    const download: typeof deps.download = async (id, _from, signal) => await deps.download(id, 0, signal);
    const { ends } = await ground.open({ download }).workOff(never());
    assert.equal(ends[0]?.outcome, 'installed');
    assert.deepEqual(readFileSync(join(ground.state, 'apps/app', NAME)), bytes);
  });

  it('that was assembled from pieces and is damaged is fetched once more, whole, before it is discarded', async () => {
    begin();
    ground.network.cutAfter_bytes = 100_000;
    await turn();
    writeFileSync(part(), Buffer.alloc(100_000));
    ground.network = {};
    await turn();
    assert.deepEqual(gets().slice(-2), [`get ${NAME} 100000`, `get ${NAME} 0`]);
    assert.equal([...ground.reports.values()][0]?.outcome, 'installed');
  });

  it('of nothing but network trouble never fails, and is told to the engine to try again', async () => {
    begin();
    const troubles = [
      'dns',
      'offline',
      'timeout',
      'tls',
      'clock',
      'busy',
      'unauthorized',
      'protocol',
    ] as const;
    for (const code of troubles) {
      ground.network.onGet = () => {
        throw new GweError(code, 'trouble', { retryAfter_s: 7 });
      };
      const result = await turn();
      assert.equal(result.retry?.code, code);
      assert.equal(result.retry?.retryAfter_s, 7);
      assert.equal(ground.open().progress()[0]?.trouble?.code, code);
    }
    assert.equal(ground.reports.size, 0);
    ground.network = {};
    await turn();
    assert.equal([...ground.reports.values()][0]?.outcome, 'installed');
    assert.equal([...ground.reports.values()][0]?.attempt, 1);
  });

  it('that the platform refuses is asked for once and reported', async () => {
    begin();
    ground.network.onInfo = () => {
      throw new GweError('forbidden', 'Cannot look up app.v1.tar.gz: it answered 403');
    };
    const { ends, retry } = await turn();
    assert.equal(retry, undefined);
    assert.deepEqual(
      [ends[0]?.outcome, ends[0]?.why],
      ['failed', 'Cannot look up app.v1.tar.gz: it answered 403'],
    );
    assert.equal(ground.asked.length, 1);
  });

  it('whose content goes away in the middle ends as gone', async () => {
    begin();
    ground.network.cutAfter_bytes = 100_000;
    await turn();
    ground.content.clear();
    const { ends } = await turn();
    assert.equal(ends[0]?.outcome, 'gone');
    assert.ok(!exists(part()));
  });

  it('of another length than announced is discarded', async () => {
    begin();
    const deps = ground.deps();
    const contentInfo: typeof deps.contentInfo = async (id, signal) => {
      const info = await deps.contentInfo(id, signal);
      return info && { ...info, size_bytes: info.size_bytes - 1 };
    };
    const { ends } = await ground.open({ contentInfo }).workOff(never());
    assert.deepEqual([ends[0]?.outcome, ends[0]?.check], ['discarded', 'length']);
  });

  it('over the limit is not even begun', async () => {
    begin();
    ground.settings = { ...ground.settings, 'download.max_tarball_bytes': 1000 };
    const { ends } = await turn();
    assert.deepEqual([ends[0]?.outcome, ends[0]?.check], ['discarded', 'limits']);
    assert.deepEqual(gets(), []);
  });

  it('must have the digest that its meta announces', async () => {
    begin();
    const content = ground.content.get(NAME);
    assert.ok(content !== undefined);
    ground.content.set(NAME, { ...content, meta: `sha256:${'0'.repeat(64)}` });
    const { ends } = await turn();
    assert.deepEqual([ends[0]?.outcome, ends[0]?.check], ['discarded', 'length']);
    assert.match(ends[0]?.why ?? '', /its SHA-256 is/);
  });

  it('that is waiting for the network gives way to a newer command for the same application', async () => {
    begin();
    ground.upload('app.v2.tar.gz', { 'install.sh': tracing() });
    ground.network.onGet = (id) => {
      if (id === NAME) throw new GweError('busy', '503');
    };
    await turn();
    ground.open().accept(instructionOf('app.v2.tar.gz'));
    const { ends } = await turn();
    assert.deepEqual(
      ends.map(({ version, outcome }) => `v${version} ${outcome}`),
      ['v1 failed', 'v2 installed'],
    );
    assert.match(ends[0]?.why ?? '', /newer instruction/);
  });

  it('that is waiting holds up what comes after it in its instruction, but no other instruction', async () => {
    begin();
    ground.upload('b.v1.tar.gz', { 'install.sh': tracing() });
    ground.upload('c.v1.tar.gz', { 'install.sh': tracing() });
    ground.network.onGet = (id) => {
      if (id === 'b.v1.tar.gz') throw new GweError('busy', '503');
    };
    const installer = ground.open();
    installer.accept(instructionOf('b.v1.tar.gz', NAME));
    installer.accept(instructionOf('c.v1.tar.gz'));
    const { ends, held } = await installer.workOff(never());
    assert.deepEqual(
      ends.map(({ name }) => name),
      [NAME, 'c.v1.tar.gz'],
    );
    assert.deepEqual(
      held.map(({ name, kind }) => `${name} ${kind}`),
      ['b.v1.tar.gz network'],
    );
  });

  it('shows how far it is to any process that looks', async () => {
    begin();
    const total = ground.content.get(NAME)?.bytes.length;
    ground.network.cutAfter_bytes = 100_000;
    await turn();
    const [progress] = ground.open().progress();
    assert.deepEqual(
      [progress?.phase, progress?.done_bytes, progress?.total_bytes],
      ['download', 100_000, total],
    );
    truncateSync(part(), 50_000);
    assert.equal(ground.open().progress()[0]?.done_bytes, 50_000);
  });
});

describe('what of a part may be kept', () => {
  const announced = { size_bytes: 1000, updated_s: 5 };
  const note: PartNote = { ...announced, synced_bytes: 400, boot: 'b1', pieced: false };
  it('is all of it in the same boot, and what was synced in another', () => {
    assert.equal(keepableBytes(note, 700, announced, 'b1'), 700);
    assert.equal(keepableBytes(note, 700, announced, 'b2'), 400);
    assert.equal(keepableBytes(note, 300, announced, 'b2'), 300);
    assert.equal(keepableBytes({ ...note, boot: 'unknown' }, 700, announced, 'unknown'), 400);
  });
  it('is nothing of another content, of no known content, or of a file that is too long', () => {
    assert.equal(keepableBytes(undefined, 700, announced, 'b1'), 0);
    assert.equal(keepableBytes(note, 700, { ...announced, updated_s: 6 }, 'b1'), 0);
    assert.equal(keepableBytes(note, 700, { ...announced, size_bytes: 999 }, 'b1'), 0);
    assert.equal(keepableBytes(note, 700, { ...announced, sha256: 'x' }, 'b1'), 0);
    assert.equal(keepableBytes(note, 1001, announced, 'b1'), 0);
  });
});
