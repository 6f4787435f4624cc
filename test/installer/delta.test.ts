import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { makeDelta } from '../../src/app/delta-make.ts';
import { sign } from '../../src/app/minisign.ts';
import { parsePublicKey } from '../../src/app/minisign-format.ts';
import { generateKeyPair, parseSecretKey } from '../../src/app/minisign-keys.ts';
import { GweError } from '../../src/errors.ts';
import { carryOut, exists, type Ground, makeGround, tracing } from './ground.ts';

const [V1, V2, V3] = ['app.v1.tar.gz', 'app.v2.tar.gz', 'app.v3.tar.gz'] as const;
const DELTA = `${V2}.from.v1.delta`;
/** Does not compress, so that a tarball is as large as what is in it. */
const PAYLOAD = randomBytes(200_000).toString('base64');

describe('a delta', () => {
  let ground: Ground;
  beforeEach(async () => {
    ground = makeGround();
    for (const [n, file] of [V1, V2, V3].entries())
      ground.upload(file, {
        'install.sh': tracing(),
        'data.txt': `${PAYLOAD}\nversion ${n + 1}\n${PAYLOAD.slice(0, 9)}`,
      });
    await publish(V1, V2);
    await carryOut(ground, V1);
    ground.asked.length = 0;
  });
  afterEach(() => ground.remove());

  /** Lays the delta between two contents into the Content Area. */
  async function publish(base: string, target: string, into = ground): Promise<void> {
    const folder = join(into.root, 'publish');
    mkdirSync(folder, { recursive: true });
    for (const file of [base, target])
      writeFileSync(join(folder, file), into.content.get(file)?.bytes ?? Buffer.alloc(0));
    const to = join(folder, 'delta');
    const { name } = await makeDelta({
      base: join(folder, base),
      target: join(folder, target),
      to,
      scratch: folder,
    });
    into.content.set(name, { bytes: readFileSync(to), updated_s: 1_600_000_000, meta: '' });
  }
  const keptOf = () => {
    const good = ground.open().installed()[0]?.good;
    return { good, path: join(ground.state, 'apps/app', good?.file ?? '') };
  };
  const wasWhole = () => ground.asked.some((each) => each.startsWith(`get ${V2} `));
  const digestOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
  const published = (file: string) => ground.content.get(file)?.bytes ?? Buffer.alloc(0);

  it('is fetched in place of the tarball, and leads to the very same files; the report says so', async () => {
    const { ends } = await carryOut(ground, V2);
    assert.equal(ends[0]?.outcome, 'installed');
    assert.equal(ends[0]?.digest, digestOf(published(V2)));
    const size = published(DELTA).length;
    assert.deepEqual(ends[0]?.delta, { fetched_bytes: size, whole_bytes: published(V2).length });
    assert.ok(!wasWhole());
    const { good, path } = keptOf();
    assert.deepEqual(gunzipSync(readFileSync(path)), gunzipSync(published(V2)));
    assert.equal(good?.sha256, digestOf(readFileSync(path)));
  });

  it('leaves a tarball that the next delta leads from, and that can be gone back to', async () => {
    await carryOut(ground, V2);
    await publish(V2, V3);
    ground.upload('app.v4.tar.gz', { 'install.sh': '#!/bin/sh\nexit 9\n' });
    const { ends } = await carryOut(ground, V3, 'app.v4.tar.gz');
    assert.ok(ends[0]?.delta !== undefined);
    assert.equal(ends[1]?.rolledBackTo, '3');
  });

  it('that was cut goes on at its byte, also in the next run', async () => {
    ground.network.cutAfter_bytes = 300;
    const { retry } = await carryOut(ground, V2);
    assert.equal(retry?.code, 'offline');
    ground.network = {};
    const { ends } = await ground.open().workOff(new AbortController().signal);
    assert.ok(ends[0]?.delta !== undefined);
    assert.ok(ground.asked.includes(`get ${DELTA} 300`), ground.asked.join('\n'));
  });

  it('is not asked for where the meta of the tarball tells that there is none', async () => {
    const content = ground.content.get(V2);
    if (content !== undefined) content.meta = 'deltas:none';
    await carryOut(ground, V2);
    assert.deepEqual(ground.asked, [`info ${V2}`, `get ${V2} 0`]);
  });

  const spoiled: Record<string, (bytes: Buffer) => Buffer | undefined> = {
    'that is not there': () => undefined,
    'that is damaged': (bytes) =>
      Buffer.from(bytes.map((byte, at) => (at === bytes.length - 40 ? byte ^ 1 : byte))),
    'that is cut short': (bytes) => bytes.subarray(0, -20),
    'that leads to other bytes': (bytes) =>
      Buffer.from(bytes.toString('latin1').replace(/("tar_sha256":")../, '$1zz'), 'latin1'),
    'that is something else': () => Buffer.from('hello'),
    'from another tarball of that version': (bytes) =>
      Buffer.from(bytes.toString('latin1').replace(/("base_sha256":")../, '$1zz'), 'latin1'),
  };
  for (const [what, spoil] of Object.entries(spoiled)) {
    it(`${what} costs the whole tarball, and no more`, async () => {
      const bytes = spoil(published(DELTA));
      if (bytes === undefined) ground.content.delete(DELTA);
      else ground.content.set(DELTA, { bytes, updated_s: 1, meta: '' });
      const { ends } = await carryOut(ground, V2);
      assert.equal(ends[0]?.outcome, 'installed');
      assert.ok(wasWhole() && ends[0]?.delta === undefined);
      assert.equal(bytes === undefined, ends[0]?.note === undefined, ends[0]?.note);
      assert.deepEqual(readFileSync(keptOf().path), published(V2));
    });
  }

  it('that the Content Area refuses to speak of is not there', async () => {
    ground.network.onInfo = (id) => {
      if (id === DELTA) throw new GweError('refused', 'Cannot look up that name: 400 Bad Request');
    };
    const { ends } = await carryOut(ground, V2);
    assert.ok(ends[0]?.outcome === 'installed' && wasWhole());
  });

  it('that needs more memory than is allowed is left', async () => {
    ground.settings = { ...ground.settings, 'download.delta_max_memory': 1024 };
    const { ends } = await carryOut(ground, V2);
    assert.match(ends[0]?.note ?? '', /of no use: .*memory/);
    assert.ok(wasWhole());
  });

  it('from a kept tarball that the disk has damaged is left', async () => {
    const { path } = keptOf();
    writeFileSync(path, readFileSync(path).subarray(0, 1000));
    assert.equal((await carryOut(ground, V2)).ends[0]?.outcome, 'installed');
    assert.ok(wasWhole());
  });

  it('goes on after a crash at any of its steps', async () => {
    for (const dies of [`unpack ${V2}`, `rebuilt ${V2}`, `script ${V2}`]) {
      const fresh = makeGround();
      for (const [id, content] of ground.content) fresh.content.set(id, content);
      await carryOut(fresh, V1);
      const checkpoint = (name: string) => {
        if (name === dies) throw new GweError('stopped', 'dies here');
      };
      const installer = fresh.open({ checkpoint });
      installer.cleared(
        installer.accept({ text: V2, items: [{ name: { file: V2, app: 'app', version: '2' } }] }).id,
      );
      await installer.workOff(new AbortController().signal);
      const { ends } = await fresh.open().workOff(new AbortController().signal);
      assert.equal(ends[0]?.outcome, 'installed', dies);
      assert.ok(ends[0]?.delta !== undefined, dies);
      assert.ok(!exists(join(fresh.state, 'downloads', `${DELTA}.part`)));
      fresh.remove();
    }
  });

  describe('where a signature is required', () => {
    const signed = async (of: { tar?: boolean; other?: boolean } = {}) => {
      const pair = await generateKeyPair();
      const secret = await parseSecretKey(pair.secretKey);
      const bytes = published(V2);
      const tar = of.other === true ? Buffer.from('other') : gunzipSync(bytes);
      const digest = of.tar === false ? undefined : digestOf(tar);
      const text = sign(secret, createHash('blake2b512').update(bytes).digest(), V2, 1_700_000_000, digest);
      ground.content.set(`${V2}.minisig`, { bytes: Buffer.from(text), updated_s: 1, meta: '' });
      ground.keys = [parsePublicKey(pair.publicKey)];
    };

    it('is taken when the signature names its unpacked stream', async () => {
      await signed();
      const { ends } = await carryOut(ground, V2);
      assert.ok(ends[0]?.outcome === 'installed' && !wasWhole());
    });

    it('is not even asked for when the signature is of the tarball alone', async () => {
      await signed({ tar: false });
      const { ends } = await carryOut(ground, V2);
      assert.ok(ends[0]?.outcome === 'installed' && wasWhole());
      assert.ok(!ground.asked.includes(`info ${DELTA}`));
    });

    it('is left when the signature names another stream', async () => {
      await signed({ other: true });
      const { ends } = await carryOut(ground, V2);
      assert.ok(ends[0]?.outcome === 'installed' && wasWhole());
    });

    it('counts for nothing once its key is no longer trusted', async () => {
      await signed();
      ground.network.cutAfter_bytes = 300;
      await carryOut(ground, V2);
      ground.network = {};
      ground.keys = [parsePublicKey((await generateKeyPair()).publicKey)];
      const { ends } = await ground.open().workOff(new AbortController().signal);
      assert.deepEqual([ends[0]?.outcome, ends[0]?.check], ['discarded', 'signature']);
      assert.equal(ground.trace().length, 1);
    });
  });
});
