/** Tarballs that are not signed as the gateway asks, on the built file: nothing of them is run. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Ground, good, layGround, read } from './ground.ts';
import { expectZero, makeTarball, startPlatform, tempFolder } from './machine.ts';

/** Makes NAME.pub and NAME.key in `folder`. */
function makeKey(
  { gateway }: Ground,
  folder: string,
  name: string,
): { publicKey: string; secretKey: string } {
  const [publicKey, secretKey] = [join(folder, `${name}.pub`), join(folder, `${name}.key`)];
  expectZero(gateway.gwe('keygen', '--no-password', '-p', publicKey, '-s', secretKey));
  return { publicKey, secretKey };
}

test('where a key lies only what it signed under that very name is run; unsigned, wrongly signed, renamed and revoked is not', async (t) => {
  const platform = await startPlatform(t);
  const ground = await layGround(t, platform);
  const { gateway, folder, fleet } = ground;
  const [ours, older, theirs] = ['ours', 'older', 'theirs'].map((name) => makeKey(ground, folder, name));
  assert.ok(ours !== undefined && older !== undefined && theirs !== undefined);
  const keys = join(gateway.config, 'keys');
  mkdirSync(keys, { recursive: true });
  for (const { publicKey } of [ours, older])
    renameSync(publicKey, join(keys, publicKey.split('/').at(-1) ?? ''));
  const revoke = () => rmSync(join(keys, 'older.pub'));
  const sign = (secretKey: string, path: string) => expectZero(gateway.gwe('sign', '-s', secretKey, path));
  let version = 0;
  /** Makes the next version; `signed` lays its signature beside it. */
  async function attempt(signed: (path: string, version: number) => void): Promise<string> {
    version += 1;
    const path = makeTarball(folder, `${ground.app}.v${version}.tar.gz`, good());
    signed(path, version);
    if (existsSync(`${path}.minisig`)) await fleet.upload(`${path}.minisig`);
    await fleet.install(gateway.serial, await fleet.upload(path));
    await ground.once();
    return (
      (await ground.ends())
        .at(-1)
        ?.split('\n')[0]
        ?.replace(/^\S+: /, '') ?? ''
    );
  }
  assert.match(await attempt((path) => sign(ours.secretKey, path)), /^installed/);
  assert.match(await attempt((path) => sign(older.secretKey, path)), /^installed/);
  const refusals: Readonly<Record<string, [RegExp, (path: string, version: number) => void]>> = {
    'not signed': [/minisig is not in the Content Area/, () => {}],
    'signed by a stranger': [/key/, (path) => sign(theirs.secretKey, path)],
    'signed, then changed': [
      /./,
      (path) => {
        sign(ours.secretKey, path);
        const other = makeTarball(tempFolder(t), 'other.v1.tar.gz', good('echo changed'));
        renameSync(other, path);
      },
    ],
    'the signature of another version': [
      /./,
      (path, now) => {
        const before = path.replace(`.v${now}.`, '.v1.');
        writeFileSync(path, readFileSync(before));
        writeFileSync(`${path}.minisig`, readFileSync(`${before}.minisig`));
      },
    ],
    'a trusted comment that was changed': [
      /./,
      (path, now) => {
        const before = path.replace(`.v${now}.`, '.v1.');
        writeFileSync(path, readFileSync(before));
        const signature = readFileSync(`${before}.minisig`, 'utf8').replace(`.v1.tar`, `.v${now}.tar`);
        assert.ok(signature.includes(`.v${now}.tar`));
        writeFileSync(`${path}.minisig`, signature);
      },
    ],
    'no signature at all, but a page': [
      /./,
      (path) => writeFileSync(`${path}.minisig`, '<html>\n'.repeat(3)),
    ],
    'a signature of 1 MB': [
      /over 8192 bytes/,
      (path) => writeFileSync(`${path}.minisig`, 'x'.repeat(1 << 20)),
    ],
    'signed by a key that was removed': [
      /key/,
      (path) => {
        revoke();
        sign(older.secretKey, path);
      },
    ],
  };
  for (const [what, [says, signed]] of Object.entries(refusals)) {
    const end = await attempt(signed);
    assert.match(end, /^discarded: signature: /, what);
    assert.match(end, says, what);
    assert.equal(read(ground, 'at'), '2', `${what}: nothing was run`);
  }
  assert.match(ground.gateway.gwe('why').stdout, /^signature: /m);
  assert.match(await attempt((path) => sign(ours.secretKey, path)), /^installed/);
});
