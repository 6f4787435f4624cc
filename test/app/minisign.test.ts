import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { needsContents, signFile, verifySignature } from '../../src/app/minisign.ts';
import { keyIdOf, parsePublicKey } from '../../src/app/minisign-format.ts';
import {
  generateKeyPair,
  needsPassword,
  parseSecretKey,
  SENSITIVE,
  scryptParameters,
} from '../../src/app/minisign-keys.ts';

/** Debian's minisign, which the set-up of the tests installs: the judge of what compatible means. */
const MINISIGN = 'minisign';
/** Enough for a test; minisign reads the limits from the key file. */
const CHEAP = { opsLimit: 524_288n, memLimit_bytes: 16_777_216n };
const TARBALL = 'demo.v1.tar.gz';

let folder = '';
const at = (name: string) => join(folder, name);
const text = (name: string) => readFileSync(at(name), 'utf8');
const minisign = (args: string[], input = '') =>
  execFileSync(MINISIGN, args, { cwd: folder, input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
const contents = Buffer.from('the bytes of a tarball');
const blake2b512 = createHash('blake2b512').update(contents).digest();

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gwe-minisign-'));
  writeFileSync(at(TARBALL), contents);
  writeFileSync(at('other.v1.tar.gz'), contents);
  minisign(['-G', '-W', '-p', 'theirs.pub', '-s', 'theirs.key']);
  await keyFiles('ours');
});
after(() => rmSync(folder, { recursive: true }));

async function keyFiles(name: string, password?: string): Promise<void> {
  const pair = await generateKeyPair(password, CHEAP);
  writeFileSync(at(`${name}.pub`), pair.publicKey);
  writeFileSync(at(`${name}.key`), pair.secretKey);
}

const verify = (
  signature: string,
  keys: string[],
  digest: Parameters<typeof verifySignature>[0]['digest'] = { blake2b512 },
  fileName = TARBALL,
) =>
  verifySignature({
    signature,
    publicKeys: keys.map((name) => parsePublicKey(text(name))),
    fileName,
    digest,
  });

test('minisign verifies what gwe signs, with keys that either of them made', async () => {
  for (const key of ['ours', 'theirs']) {
    const secret = await parseSecretKey(text(`${key}.key`));
    writeFileSync(at(`${TARBALL}.minisig`), await signFile(at(TARBALL), secret, 1_700_000_000));
    const said = minisign(['-V', '-m', TARBALL, '-p', `${key}.pub`]);
    assert.match(said, /verified\nTrusted comment: timestamp:1700000000\tfile:demo.v1.tar.gz\thashed/);
  }
});

test('gwe verifies what minisign signs, prehashed and legacy, with keys that either of them made', () => {
  for (const key of ['ours', 'theirs']) {
    minisign(['-S', '-s', `${key}.key`, '-m', TARBALL, '-x', 'new.minisig']);
    minisign(['-S', '-l', '-s', `${key}.key`, '-m', TARBALL, '-x', 'old.minisig']);
    const trusted = ['ours.pub', 'theirs.pub'];
    const verified = verify(text('new.minisig'), trusted);
    assert.equal(verified.algorithm, 'prehashed');
    assert.equal(verified.keyId, parsePublicKey(text(`${key}.pub`)).keyId);
    assert.match(text(`${key}.pub`), new RegExp(`${verified.keyId}\\n`));
    assert.equal(verify(text('new.minisig'), trusted, { contents }).algorithm, 'prehashed');
    assert.equal(verify(text('old.minisig'), trusted, { contents }).algorithm, 'legacy');
    assert.deepEqual([needsContents(text('new.minisig')), needsContents(text('old.minisig'))], [false, true]);
  }
});

test('a key id is printed as minisign prints it, without zeros before it', () => {
  assert.equal(keyIdOf(Buffer.from('eeab58782c9a260c', 'hex')), 'C269A2C7858ABEE');
});

test('minisign opens a secret key that gwe sealed with a password', async () => {
  await keyFiles('sealed', 'correct horse');
  assert.equal(needsPassword(text('sealed.key')), true);
  minisign(['-S', '-s', 'sealed.key', '-m', TARBALL, '-x', 'sealed.minisig'], 'correct horse\n');
  assert.equal(verify(text('sealed.minisig'), ['sealed.pub']).algorithm, 'prehashed');
});

test('gwe opens a secret key that minisign sealed with a password', async () => {
  minisign(['-G', '-p', 'their-sealed.pub', '-s', 'their-sealed.key'], 'correct horse\ncorrect horse\n');
  const secret = await parseSecretKey(text('their-sealed.key'), 'correct horse');
  assert.equal(verify(await signFile(at(TARBALL), secret, 1), ['their-sealed.pub']).signed_s, 1);
});

test('a wrong or missing password opens no key', async () => {
  await keyFiles('locked', 'right');
  await assert.rejects(parseSecretKey(text('locked.key'), 'wrong'), {
    code: 'signature',
    message: /password is wrong/,
  });
  await assert.rejects(parseSecretKey(text('locked.key')), {
    code: 'signature',
    message: /needs a password/,
  });
  assert.equal(needsPassword(text('ours.key')), false);
});

test('the limits of a key file become the parameters that libsodium takes', () => {
  assert.deepEqual(scryptParameters(SENSITIVE.opsLimit, SENSITIVE.memLimit_bytes), {
    N: 2 ** 20,
    r: 8,
    p: 1,
  });
  assert.deepEqual(scryptParameters(524_288n, 16_777_216n), { N: 2 ** 14, r: 8, p: 1 });
  assert.deepEqual(scryptParameters(33_554_432n, 16_777_216n), { N: 2 ** 14, r: 8, p: 64 });
});

test('a signature is refused for another content, another name, another key, and when it was altered', async () => {
  const signature = await signFile(at(TARBALL), await parseSecretKey(text('ours.key')), 1_700_000_000);
  const other = createHash('blake2b512').update('other').digest();
  const refused = (says: RegExp, act: () => unknown) =>
    assert.throws(act, { code: 'signature', message: says });
  refused(/^signature: .* is not of this tarball/, () =>
    verify(signature, ['ours.pub'], { blake2b512: other }),
  );
  refused(/made for "demo.v1.tar.gz", not for "demo.v2.tar.gz"/, () =>
    verify(signature, ['ours.pub'], { blake2b512 }, 'demo.v2.tar.gz'),
  );
  refused(/not trusted here \(trusted: [0-9A-F]{1,16}\)/, () => verify(signature, ['theirs.pub']));
  refused(/not trusted here \(trusted: none\)/, () => verify(signature, []));
  refused(/comment was altered/, () =>
    verify(signature.replace('demo.v1', 'demo.v2'), ['ours.pub'], { blake2b512 }, 'demo.v2.tar.gz'),
  );
  refused(/comment was altered/, () => verify(signature.replace('1700000000', '1800000000'), ['ours.pub']));
});

test('a signature that binds no file name is refused', () => {
  minisign(['-S', '-s', 'ours.key', '-m', TARBALL, '-x', 'free.minisig', '-t', 'any comment']);
  assert.throws(() => verify(text('free.minisig'), ['ours.pub']), {
    code: 'signature',
    message: /does not bind/,
  });
  minisign(['-S', '-s', 'ours.key', '-m', TARBALL, '-x', 'two.minisig', '-t', `file:x\tfile:${TARBALL}`]);
  assert.throws(() => verify(text('two.minisig'), ['ours.pub']), {
    code: 'signature',
    message: /does not bind/,
  });
});

test('a legacy signature without the contents says how to sign instead', () => {
  minisign(['-S', '-l', '-s', 'ours.key', '-m', TARBALL, '-x', 'old.minisig']);
  assert.throws(() => verify(text('old.minisig'), ['ours.pub']), {
    code: 'signature',
    message: /legacy/,
    hint: /gwe sign/,
  });
});

test('texts that are no signature and no key are said to be so, never taken', async () => {
  const good = await signFile(at(TARBALL), await parseSecretKey(text('ours.key')), 1);
  const lines = good.split('\n');
  for (let line = 0; line < 4; line++) {
    const bad = lines.with(line, lines[line]?.slice(0, -3) ?? '').join('\n');
    if (line === 0 || line === 2) continue;
    assert.throws(() => verify(bad, ['ours.pub']), { code: 'signature' });
  }
  for (const bad of ['', '\n\n\n\n', 'x'.repeat(100_000), `${good}more\n`, lines.slice(0, 3).join('\n')]) {
    assert.throws(() => verify(bad, ['ours.pub']), { code: 'signature', message: /not one of minisign/ });
  }
  assert.equal(verify(good.replaceAll('\n', '\r\n'), ['ours.pub']).signed_s, 1);
  for (const bad of ['', 'RWQ=', text('ours.key'), `${text('ours.pub')}RWQ=\n`]) {
    assert.throws(() => parsePublicKey(bad), { code: 'signature' });
  }
  await assert.rejects(parseSecretKey(text('ours.pub')), {
    code: 'signature',
    message: /not one of minisign/,
  });
});

test('a public key is taken as a file and as its base64 line alone', () => {
  const line = text('theirs.pub').split('\n')[1] ?? '';
  assert.deepEqual(parsePublicKey(line), parsePublicKey(text('theirs.pub')));
  assert.deepEqual(parsePublicKey(text('theirs.pub').replaceAll('\n', '\r\n')), parsePublicKey(line));
});
