import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  BALLAST_BYTES,
  isSameCommand,
  JOURNAL_MAX_ENTRIES,
  openJournal,
} from '../../src/installer/journal.ts';
import { instructionOf, makeGround, never, tracing } from './ground.ts';

describe('the journal', () => {
  let folder: string;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'gwe-journal-')), 'journal');
  });
  afterEach(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

  it('has an instruction, whole, in its file when it is taken on', () => {
    const { id } = openJournal(folder).add({ ...instructionOf('a.v1.tar.gz'), etag: '"7"' }, 1000);
    const [entry] = openJournal(folder).entries();
    assert.equal(entry?.id, id);
    assert.deepEqual([entry?.etag, entry?.clearing, entry?.received_ms], ['"7"', 'pending', 1000]);
    assert.deepEqual(entry?.items[0]?.name, { file: 'a.v1.tar.gz', app: 'a', version: '1' });
  });

  it('keeps instructions in the order in which they came, and never gives an id twice', () => {
    const ids = new Set<string>();
    for (let n = 0; n < 12; n++) ids.add(openJournal(folder).add(instructionOf(`a.v${n}.tar.gz`), 0).id);
    assert.deepEqual(
      openJournal(folder)
        .entries()
        .map(({ id }) => id),
      [...ids],
    );
    const journal = openJournal(folder);
    for (const entry of journal.entries()) {
      journal.save({ ...entry, clearing: 'acknowledged', items: [] });
      journal.settle(entry.id);
    }
    assert.deepEqual(readdirSync(folder), []);
    assert.ok(!ids.has(journal.add(instructionOf('a.v1.tar.gz'), 0).id));
  });

  it('refuses more instructions than its limit, and keeps those that it has', () => {
    const journal = openJournal(folder);
    for (let n = 0; n < JOURNAL_MAX_ENTRIES; n++) journal.add({ text: '', items: [] }, 0);
    assert.throws(() => journal.add({ text: '', items: [] }, 0), { code: 'too-large' });
    assert.equal(openJournal(folder).entries().length, JOURNAL_MAX_ENTRIES);
  });

  it('knows the command that it has already, and one that only reads the same', () => {
    const entry = { text: 'x', etag: '"1"', clearing: 'pending' as const };
    assert.equal(isSameCommand(entry, 'x', '"1"'), true);
    assert.equal(isSameCommand(entry, 'x', undefined), true);
    assert.equal(isSameCommand(entry, 'x', '"2"'), false);
    assert.equal(isSameCommand(entry, 'y', '"1"'), false);
    assert.equal(isSameCommand({ ...entry, clearing: 'acknowledged' }, 'x', '"1"'), false);
  });

  it('throws its ballast away when the disk is full, and then has room for what must be written', () => {
    mkdirSync(folder);
    const journal = openJournal(folder);
    journal.reserve();
    assert.equal(readFileSync(join(folder, '.ballast')).length, BALLAST_BYTES);
    let tries = 0;
    const done = journal.withRoom(() => {
      tries += 1;
      if (existsSync(join(folder, '.ballast'))) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      return 'written';
    });
    assert.deepEqual([done, tries], ['written', 2]);
    assert.throws(
      () =>
        journal.withRoom(() => {
          throw Object.assign(new Error('full'), { code: 'ENOSPC' });
        }),
      /full/,
    );
  });
});

describe('a journal file that cannot be read', () => {
  it('and is damaged is reported once and put aside, and the others go on', async () => {
    const ground = makeGround();
    try {
      ground.upload('a.v1.tar.gz', { 'install.sh': tracing() });
      ground.open().accept(instructionOf('a.v1.tar.gz'));
      const folder = join(ground.state, 'journal');
      const broken = [
        '{"layout":1,"id":',
        '[]',
        '{"layout":1,"id":"x","text":"","received_ms":0,"clearing":"pending","items":[{}]}',
      ];
      broken.forEach((text, n) => {
        writeFileSync(join(folder, `0000010${n}-x.json`), text);
      });
      await ground.open().workOff(never());
      await ground.open().workOff(never());
      const ends = [...ground.reports.values()];
      assert.deepEqual(
        ends.map(({ name, outcome }) => `${name} ${outcome}`),
        ['engine_fetch failed', 'engine_fetch failed', 'engine_fetch failed', 'a.v1.tar.gz installed'],
      );
      assert.equal(readdirSync(folder).filter((name) => name.endsWith('.damaged')).length, 3);
    } finally {
      ground.remove();
    }
  });

  it('and cannot even be reported now stops nothing else, and is reported later', async () => {
    const ground = makeGround();
    try {
      ground.upload('a.v1.tar.gz', { 'install.sh': tracing() });
      ground.open().accept(instructionOf('a.v1.tar.gz'));
      writeFileSync(join(ground.state, 'journal', '00000100-x.json'), '{');
      const { report } = ground.deps();
      const choosy: typeof report = (end, id) => {
        if (id.endsWith('damaged')) throw Object.assign(new Error('EIO'), { code: 'EIO' });
        report(end, id);
      };
      const { ends } = await ground.open({ report: choosy }).workOff(never());
      assert.equal(ends[0]?.outcome, 'installed');
      await ground.open().workOff(never());
      assert.equal(ground.reports.size, 2);
    } finally {
      ground.remove();
    }
  });

  it('because a later gwe wrote it is left as it is, for that one', async () => {
    const ground = makeGround();
    try {
      const folder = join(ground.state, 'journal');
      mkdirSync(folder);
      const text = '{"layout":2,"something":"else"}';
      writeFileSync(join(folder, '00000001-x.json'), text);
      const installer = ground.open();
      assert.equal(installer.hasWork(), false);
      assert.equal(installer.damaged()[0]?.code, 'layout');
      await installer.workOff(never());
      assert.equal(readFileSync(join(folder, '00000001-x.json'), 'utf8'), text);
      assert.equal(ground.reports.size, 0);
    } finally {
      ground.remove();
    }
  });
});
