import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { sign } from '../../src/app/minisign.ts';
import { parsePublicKey } from '../../src/app/minisign-format.ts';
import { generateKeyPair, parseSecretKey } from '../../src/app/minisign-keys.ts';
import { carryOut, type Ground, makeGround, tracing } from './ground.ts';

const NAME = 'app.v1.tar.gz';

async function newKey() {
  const pair = await generateKeyPair();
  return { publicKey: parsePublicKey(pair.publicKey), secret: await parseSecretKey(pair.secretKey) };
}

describe('signatures', () => {
  let ground: Ground;
  beforeEach(() => {
    ground = makeGround();
    ground.upload(NAME, { 'install.sh': tracing() });
  });
  afterEach(() => ground.remove());

  const signWith = (key: Awaited<ReturnType<typeof newKey>>, of = NAME, named = NAME) => {
    const bytes = ground.content.get(of)?.bytes ?? Buffer.alloc(0);
    const text = sign(key.secret, createHash('blake2b512').update(bytes).digest(), named, 1_700_000_000);
    ground.content.set(`${NAME}.minisig`, { bytes: Buffer.from(text), updated_s: 1, meta: '' });
  };
  const outcome = async () => {
    const { ends } = await carryOut(ground, NAME);
    return [ends[0]?.outcome, ends[0]?.check, ends[0]?.why ?? ''];
  };

  it('are not asked for as long as no key is trusted', async () => {
    assert.deepEqual(await outcome(), ['installed', undefined, '']);
    assert.ok(!ground.asked.some((each) => each.includes('minisig')));
  });

  it('of any trusted key are enough', async () => {
    const [one, other] = [await newKey(), await newKey()];
    ground.keys = [one.publicKey, other.publicKey];
    signWith(other);
    assert.deepEqual(await outcome(), ['installed', undefined, '']);
  });

  it('that are missing discard the tarball before it is downloaded', async () => {
    ground.keys = [(await newKey()).publicKey];
    assert.deepEqual(await outcome(), [
      'discarded',
      'signature',
      `${NAME}.minisig is not in the Content Area`,
    ]);
    assert.ok(!ground.asked.some((each) => each.startsWith(`get ${NAME} `)));
  });

  it('of a key that was taken away, over other bytes, or for another name discard it, and nothing is run', async () => {
    const [trusted, revoked] = [await newKey(), await newKey()];
    ground.keys = [trusted.publicKey];
    signWith(revoked);
    assert.deepEqual((await outcome()).slice(0, 2), ['discarded', 'signature']);
    ground.upload('other.v1.tar.gz', { 'install.sh': tracing('echo other') });
    signWith(trusted, 'other.v1.tar.gz');
    assert.deepEqual((await outcome()).slice(0, 2), ['discarded', 'signature']);
    signWith(trusted, NAME, 'app.v2.tar.gz');
    const [, , why] = await outcome();
    assert.match(String(why), /app\.v2\.tar\.gz/);
    assert.deepEqual(ground.trace(), []);
  });

  it('are required even without a key where the setting says so', async () => {
    ground.settings = { ...ground.settings, 'security.require_signature': 'on' };
    signWith(await newKey());
    const [ended, check, why] = await outcome();
    assert.deepEqual([ended, check], ['discarded', 'signature']);
    assert.match(String(why), /no key is trusted/);
  });

  it('are not asked for where the setting is off', async () => {
    ground.keys = [(await newKey()).publicKey];
    ground.settings = { ...ground.settings, 'security.require_signature': 'off' };
    assert.deepEqual(await outcome(), ['installed', undefined, '']);
  });

  it('that are far too long are not read to their end', async () => {
    ground.keys = [(await newKey()).publicKey];
    ground.content.set(`${NAME}.minisig`, { bytes: Buffer.alloc(1e6), updated_s: 1, meta: '' });
    assert.deepEqual((await outcome()).slice(0, 2), ['discarded', 'signature']);
  });
});

describe('an older version', () => {
  it('is refused where the instruction or the gateway says so, and nothing is downloaded', async () => {
    const ground = makeGround();
    try {
      ground.upload('app.v2.tar.gz', { 'install.sh': tracing() });
      ground.upload('app.v1.tar.gz', { 'install.sh': tracing() });
      await carryOut(ground, 'app.v2.tar.gz');
      ground.settings = { ...ground.settings, 'install.allow_downgrade': false };
      const { ends } = await carryOut(ground, 'app.v1.tar.gz');
      assert.deepEqual(
        [ends[0]?.outcome, ends[0]?.check, ends[0]?.why],
        ['discarded', 'downgrade', 'v1 is older than v2, which is installed'],
      );
      assert.ok(!ground.asked.includes('info app.v1.tar.gz'));
      ground.settings = { ...ground.settings, 'install.allow_downgrade': true };
      const again = await carryOut(ground, 'app.v1.tar.gz');
      assert.equal(again.ends[0]?.outcome, 'installed');
    } finally {
      ground.remove();
    }
  });
});
