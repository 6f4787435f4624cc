import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { roomForAll, roomToUnpack, shortage } from '../../src/installer/space.ts';
import { type Ground, instructionOf, makeGround, never, tracing } from './ground.ts';

describe('too little disk', () => {
  let ground: Ground;
  beforeEach(() => {
    ground = makeGround();
    ground.upload('app.v1.tar.gz', { 'install.sh': tracing(), payload: randomBytes(1e6).toString('base64') });
    ground.upload('big.v1.tar.gz', { 'install.sh': tracing(), payload: randomBytes(4e6).toString('base64') });
    ground.room = { bytes: 1_000_000, inodes: 1e6 };
  });
  afterEach(() => ground.remove());

  it('is seen before anything is downloaded, told once with figures, and passes by itself', async () => {
    ground.open().accept(instructionOf('app.v1.tar.gz'));
    const { held, retry } = await ground.open().workOff(never());
    assert.deepEqual([held[0]?.kind, retry], ['disk', undefined]);
    assert.match(held[0]?.error.message ?? '', /^needs \d+ MB of disk, 1 MB are free$/);
    ground.room = { bytes: 1_100_000, inodes: 1e6 };
    await ground.open().workOff(never());
    assert.deepEqual(
      [...ground.reports.values()].map(({ outcome }) => outcome),
      ['waiting'],
    );
    assert.ok(!ground.asked.some((each) => each.startsWith('get ')));
    ground.room = { bytes: 1e9, inodes: 1e6 };
    await ground.open().workOff(never());
    assert.deepEqual(
      [...ground.reports.values()].map(({ outcome }) => outcome),
      ['waiting', 'installed'],
    );
  });

  it('is reckoned for all tarballs of an instruction together', async () => {
    ground.room = { bytes: 16 * 1024 * 1024 + 6_000_000, inodes: 1e6 };
    ground.open().accept(instructionOf('app.v1.tar.gz', 'big.v1.tar.gz'));
    const { held } = await ground.open().workOff(never());
    assert.equal(held[0]?.name, 'app.v1.tar.gz');
    assert.deepEqual(readdirSync(join(ground.state, 'downloads')), [], 'nothing of it is fetched');
  });

  it('after the download keeps the download, and unpacks when there is room', async () => {
    let looks = 0;
    const room = () => {
      looks += 1;
      return looks === 1 ? { bytes: 1e9, inodes: 1e6 } : { bytes: 17e6, inodes: 1e6 };
    };
    ground.open().accept(instructionOf('app.v1.tar.gz'));
    const { held } = await ground.open({ room }).workOff(never());
    assert.equal(held[0]?.kind, 'disk');
    assert.equal(ground.open().progress()[0]?.phase, 'unpack');
    ground.room = { bytes: 1e9, inodes: 1e6 };
    const { ends } = await ground.open().workOff(never());
    assert.equal(ends[0]?.outcome, 'installed');
    assert.equal(ground.asked.filter((each) => each.startsWith('get ')).length, 1);
  });

  it('counts inodes too', async () => {
    ground.room = { bytes: 1e12, inodes: 50 };
    ground.open().accept(instructionOf('app.v1.tar.gz'));
    const { held } = await ground.open().workOff(never());
    assert.match(held[0]?.error.message ?? '', /^needs \d+ inodes, 50 are free$/);
  });

  it('of which a full disk tells in the middle of a download is waited for, and the download goes on', async () => {
    ground.room = { bytes: 1e9, inodes: 1e6 };
    ground.network.onGet = () => {
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    ground.open().accept(instructionOf('app.v1.tar.gz'));
    const { held } = await ground.open().workOff(never());
    assert.equal(held[0]?.kind, 'disk');
    ground.network = {};
    const { ends } = await ground.open().workOff(never());
    assert.equal(ends[0]?.outcome, 'installed');
  });

  it('for a report leaves the end to be reported at the next turn, without running anything again', async () => {
    ground.room = { bytes: 1e9, inodes: 1e6 };
    ground.open().accept(instructionOf('app.v1.tar.gz'));
    const report = () => {
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    };
    const result = await ground.open({ report }).workOff(never());
    assert.deepEqual([result.ends.length, result.held.length], [0, 1]);
    const { ends } = await ground.open().workOff(never());
    assert.equal(ends[0]?.outcome, 'installed');
    assert.equal(ground.trace().length, 1);
  });
});

describe('the reckoning of room', () => {
  const reserve = { bytes: 1000, inodes: 10 };
  it('takes all downloads, the largest unpacked folder, and the reserve', () => {
    const tarballs = [
      { size_bytes: 100_000, done_bytes: 0 },
      { size_bytes: 200_000, done_bytes: 150_000 },
    ];
    assert.equal(roomForAll(tarballs, 1e9, reserve).bytes, 100_000 + 50_000 + 630_000 + 1000);
    assert.equal(roomForAll(tarballs, 1000, reserve).bytes, 150_000 + 1050 + 1000);
  });
  it('needs only the unpacked folder and the reserve once the download is there', () => {
    assert.deepEqual(roomToUnpack({ bytes: 1000, entries: 7 }, reserve), { bytes: 2050, inodes: 33 });
  });
  it('says what is lacking as people say it', () => {
    const free = { bytes: 11_400_000, inodes: 5 };
    assert.equal(
      shortage({ bytes: 51_200_000, inodes: 1 }, free)?.why,
      'needs 52 MB of disk, 11 MB are free',
    );
    assert.equal(
      shortage({ bytes: 12e6, inodes: 1 }, { bytes: 1_250_000, inodes: 5 })?.why,
      'needs 12 MB of disk, 1.2 MB are free',
    );
    assert.equal(shortage({ bytes: 1, inodes: 1 }, free), undefined);
    assert.equal(
      shortage({ bytes: 1, inodes: 1e6 }, { bytes: 2, inodes: Number.POSITIVE_INFINITY }),
      undefined,
    );
  });
});
