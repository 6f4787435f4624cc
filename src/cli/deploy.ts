/**
 * `gwe deploy SERIAL TARBALL…`: brings tarballs to the platform where they are not there yet, tells one gateway to install
 * them, and shows what it says until every one has ended.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { asGweError, GweError } from '../errors.ts';
import type { Gateway } from './answers.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { exitOfDeploy, nextCheckInWords, type Standings, unended } from './deploy-outcome.ts';
import { watchCommand } from './deploy-watch.ts';
import type { Operator } from './operator.ts';
import { gatewayOf, type Session, withPlatform } from './session.ts';
import { uploadFile, withCompanions } from './upload.ts';
import { harmless } from './words.ts';

/** Waiting ends by itself after this: a gateway that sleeps for half a day has come by then. */
export const DEPLOY_TIMEOUT_S = 86_400;

/** `gwe deploy SERIAL TARBALL… [--no-wait] [--timeout S] [--product P] [--force]`. */
export async function run(context: CommandContext, args: CommandArgs): Promise<number> {
  const [serial = '', ...tarballs] = args.operands;
  await checkNames(tarballs);
  return withPlatform(context, args, async (session) => {
    const gateway = await gatewayOf(session, serial);
    const names = await bringTarballs(context, session, gateway.product, tarballs, args.has('force'));
    const started_ms = context.clock.monotonic();
    const command = await session.operator.install(gateway.product, serial, names);
    const say = (text: string) => context.out(timed(context.clock.monotonic() - started_ms, text));
    say(`${serial} is told to install ${names.join(', ')}`);
    if (args.has('no-wait')) return 0;
    say(nextCheckInWords(gateway, context.clock.now()));
    return follow(context, session.operator, gateway, names, command, args.integer('timeout'), say);
  });
}

async function follow(
  context: CommandContext,
  operator: Operator,
  { product, serial }: Gateway,
  names: readonly string[],
  command: Awaited<ReturnType<Operator['install']>>,
  timeout_s: number | undefined,
  say: (text: string) => void,
): Promise<number> {
  const standings = await watchCommand({
    operator,
    product,
    serial,
    names,
    command,
    timeout_s: timeout_s ?? DEPLOY_TIMEOUT_S,
    clock: context.clock,
    signal: context.signal,
    onTaken: () => say(`${serial} took the command`),
    onStatus: (text) => say(text),
    onTrouble: (error) => say(`${error.message}; trying on`),
  });
  say(summary(standings));
  return exitOfDeploy(standings);
}

function summary(standings: Standings): string {
  const bad = [...standings].filter(([, standing]) => standing !== 'installed');
  if (unended(standings).length > 0 || bad.length > 0) {
    return `not installed: ${bad.map(([name, standing]) => `${name} (${standing})`).join(', ')}`;
  }
  return standings.size === 1 ? 'installed' : `all ${standings.size} installed`;
}

/** One event: the seconds since the command, then its text, further lines below each other. Pure. */
export function timed(elapsed_ms: number, text: string): string {
  const [first = '', ...more] = harmless(text).trimEnd().split('\n');
  const stamp = `${(elapsed_ms / 1000).toFixed(1)} s`.padStart(9);
  const indent = ' '.repeat(stamp.length + 2);
  return `${[`${stamp}  ${first}`, ...more.map((line) => `${indent}${line}`.trimEnd())].join('\n')}\n`;
}

/** The names to install, in order, each once: local files are uploaded, other words must be in the Content Area. */
export async function bringTarballs(
  context: CommandContext,
  session: Session,
  product: string,
  tarballs: readonly string[],
  force: boolean,
): Promise<string[]> {
  for (const file of withCompanions(tarballs.filter(isLocal))) {
    await uploadFile(context, session.operator, product, file, { force });
  }
  const names = [...new Set(tarballs.map((tarball) => (isLocal(tarball) ? basename(tarball) : tarball)))];
  const there = new Set((await session.operator.content(product)).map((each) => each.id));
  const missing = names.filter((name) => !there.has(name));
  if (missing.length === 0) return names;
  throw new GweError(
    'not-found',
    `Cannot deploy ${missing.join(', ')}: neither a file here nor in the Content Area of ${product}`,
    { hint: 'See: gwe content list' },
  );
}

/** Raises `usage` for a word that names no tarball, before anything is contacted. */
export async function checkNames(tarballs: readonly string[]): Promise<void> {
  const { parseTarballName } = await import('../app/name.ts');
  for (const tarball of tarballs) {
    try {
      parseTarballName(isLocal(tarball) ? basename(tarball) : tarball);
    } catch (error) {
      throw new GweError('usage', `Cannot deploy ${tarball}: ${asGweError(error).message}`, {
        hint: 'A tarball is named APP.vVERSION.tar.gz, for instance hello.v2.tar.gz',
        cause: error,
      });
    }
  }
}

/** A word with a slash in it means a file, and so does the name of one that is here. */
function isLocal(tarball: string): boolean {
  if (existsSync(tarball)) return true;
  if (!tarball.includes('/')) return false;
  throw new GweError('usage', `Cannot deploy ${tarball}: there is no such file`);
}
