/** `gwe keygen` and `gwe sign`: the files and the questions around minisign's formats, which are app/minisign*.ts's. */
import { existsSync } from 'node:fs';
import { GweError } from '../errors.ts';
import { PRIVATE_FILE_MODE, readIfThere, writeDurably } from '../host/files.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { readSecret } from './input.ts';

const PUBLIC_FILE_MODE = 0o644;
const DEFAULT_PUBLIC_KEY = 'minisign.pub';
const DEFAULT_SECRET_KEY = 'minisign.key';

/** `gwe keygen`: a new pair of keys, in two files. */
export async function runKeygen(context: CommandContext, args: CommandArgs): Promise<number> {
  const publicFile = args.text('public-key') ?? DEFAULT_PUBLIC_KEY;
  const secretFile = args.text('secret-key') ?? DEFAULT_SECRET_KEY;
  if (!args.has('force')) for (const file of [secretFile, publicFile]) refuseToReplace(file);
  const password = args.has('no-password') ? undefined : await newPassword(context);
  const { generateKeyPair } = await import('../app/minisign-keys.ts');
  if (password !== undefined) context.err('Deriving a key from the password; this takes some seconds…\n');
  const pair = await generateKeyPair(password);
  writeDurably(secretFile, pair.secretKey, PRIVATE_FILE_MODE);
  writeDurably(publicFile, pair.publicKey, PUBLIC_FILE_MODE);
  context.out(
    [
      `Key ${pair.keyId}`,
      `  secret: ${secretFile}   keep it safe; sign with: gwe sign -s ${secretFile} FILE`,
      `  public: ${publicFile}   put it into the folder keys/ of the configuration on each gateway`,
      '',
    ].join('\n'),
  );
  return 0;
}

function refuseToReplace(file: string): void {
  if (!existsSync(file)) return;
  throw new GweError('conflict', `Cannot make a key in ${file}: the file is there already`, {
    hint: 'Name another file with --public-key and --secret-key, or write over it with --force',
  });
}

async function newPassword(context: CommandContext): Promise<string> {
  const password = await readSecret(context, 'Password: ');
  if (password === '') {
    throw new GweError('usage', 'Cannot protect the secret key: the password is empty', {
      hint: 'For a key without a password: gwe keygen --no-password',
    });
  }
  const isTyped = (context.input ?? process.stdin).isTTY === true;
  if (isTyped && (await readSecret(context, 'Password (once more): ')) !== password) {
    throw new GweError('usage', 'Cannot protect the secret key: the two passwords differ');
  }
  return password;
}

/** `gwe sign FILE…`: FILE.minisig beside each; prints their paths. */
export async function runSign(context: CommandContext, args: CommandArgs): Promise<number> {
  const file = args.text('secret-key') ?? DEFAULT_SECRET_KEY;
  const text = readIfThere(file);
  if (text === undefined) {
    throw new GweError('not-found', `Cannot sign: there is no secret key ${file}`, {
      hint: 'Name it with --secret-key FILE, or make one: gwe keygen',
    });
  }
  const [{ needsPassword, parseSecretKey }, { signFile }] = await Promise.all([
    import('../app/minisign-keys.ts'),
    import('../app/minisign.ts'),
  ]);
  const asks = needsPassword(text) && !args.has('no-password');
  const secret = await parseSecretKey(
    text,
    asks ? await readSecret(context, `Password of ${file}: `) : undefined,
  );
  for (const path of args.operands) {
    const signature = await signFile(path, secret, Math.floor(context.clock.now() / 1000));
    writeDurably(`${path}.minisig`, signature, PUBLIC_FILE_MODE);
    context.out(`${path}.minisig\n`);
  }
  return 0;
}
