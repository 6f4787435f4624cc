/** `gwe rollout …`: make a rollout, look at it, hold it, go on, end it. How it is shown is rollout-table.ts's business. */
import { GweError } from '../errors.ts';
import type { CommandArgs, CommandRun } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { bringTarballs, checkNames } from './deploy.ts';
import { durationIn, percentIn, stagesIn, untilIn, windowIn } from './durations.ts';
import { criteriaOf } from './gateway-filter.ts';
import { type Operator, query } from './operator.ts';
import {
  type RolloutAnswer,
  type RolloutGatewayAnswer,
  readRollout,
  readRolloutGateways,
} from './rollout-answers.ts';
import { rolloutSheet, rolloutTable } from './rollout-table.ts';
import { productOf, withPlatform } from './session.ts';

const PATH = '/api/v1/rollouts';
/** Gateways asked for with one call. */
const PAGE = 1000;
/** Rollouts that are listed when nothing else is said. */
const LISTED = 100;
/** How often `--watch` looks. */
const WATCH_PAUSE_MS = 1000;
const GOES_ON = ['proposed', 'running', 'aborting'];

/** `gwe rollout create (--all | --group G) … TARBALL…`. */
export async function createRollout(context: CommandContext, args: CommandArgs): Promise<number> {
  await checkNames(args.operands);
  const body = bodyOf(args, context.clock.now());
  return withPlatform(context, args, async (session) => {
    const product = await productOf(session);
    const names = await bringTarballs(context, session, product, args.operands, args.has('force'));
    const answer = await session.operator.call({
      method: 'POST',
      path: PATH,
      json: { product, names, ...body },
    });
    const rollout = readRollout(answer);
    if (args.has('json')) context.out(`${JSON.stringify(answer, undefined, 2)}\n`);
    else {
      const next =
        rollout.state === 'proposed'
          ? `waits for another operator: gwe rollout approve ${rollout.id}`
          : `follow it: gwe rollout show ${rollout.id} --watch`;
      context.out(
        `rollout ${rollout.id} (${rollout.name}) over ${rollout.total} ${rollout.total === 1 ? 'gateway' : 'gateways'}; ${next}\n`,
      );
    }
    return 0;
  });
}

/** What was typed as the body of the call, with what was left out left to the platform. Raises `usage`. Pure. */
export function bodyOf(args: CommandArgs, now_ms: number): Record<string, unknown> {
  const group = args.text('group');
  if ((group === undefined && !args.has('all')) || (group !== undefined && args.has('all'))) {
    throw new GweError('usage', 'Cannot start a rollout: expected either --group GROUP or --all');
  }
  const window = args.text('window');
  const timezone = args.text('timezone');
  if (timezone !== undefined && window === undefined) {
    throw new GweError('usage', 'Cannot use --timezone: it says when --window is, which is missing');
  }
  const given = <T>(flag: string, read: (written: string) => T): T | undefined => {
    const written = args.text(flag);
    return written === undefined ? undefined : read(written);
  };
  return withoutGaps({
    group,
    filter: criteriaOf(args),
    dynamic: args.has('dynamic') || undefined,
    name: args.text('name'),
    stages: given('stages', stagesIn),
    cap: args.integer('cap'),
    failLimit_percent: given('fail-limit', (text) => percentIn(text, '--fail-limit')),
    silentAfter_s: given('silent-after', (text) => Math.round(durationIn(text, '--silent-after'))),
    window: given('window', (text) => withoutGaps({ ...windowIn(text), timezone })),
    offlineUntil: given('offline-until', (text) => untilIn(text, '--offline-until', now_ms)),
  });
}

function withoutGaps(of: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(of).filter(([, value]) => value !== undefined));
}

/** `gwe rollout list [--product P] [--state STATE] [--limit N] [--before ID] [--json]`. */
export function listRollouts(context: CommandContext, args: CommandArgs): Promise<number> {
  return withPlatform(context, args, async ({ operator, product }) => {
    const [state, before] = [args.text('state'), args.text('before')];
    const wanted = query({ product, state, after: before, limit: args.integer('limit') ?? LISTED });
    const answer = await operator.call({ method: 'GET', path: `${PATH}${wanted}` });
    const rows: unknown = Object(answer)['rollouts'];
    const rollouts = Array.isArray(rows) ? rows.map(readRollout) : [];
    if (args.has('json')) context.out(`${JSON.stringify(rows, undefined, 2)}\n`);
    else if (rollouts.length > 0) context.out(rolloutTable(rollouts, context.clock.now()));
    else if (state !== undefined || before !== undefined) context.err('no rollout fits\n');
    else context.err('no rollouts yet; next: gwe rollout create --all TARBALL\n');
    const next: unknown = Object(answer)['next'];
    if (next !== undefined) context.err(`older ones: --before ${String(next)}\n`);
    return 0;
  });
}

/** `gwe rollout show ID [--gateways] [--watch] [--json]`. Ends with 3 for one that is paused or was aborted. */
export function showRollout(context: CommandContext, args: CommandArgs): Promise<number> {
  const [id = ''] = args.operands;
  return withPlatform(context, args, async ({ operator }) => {
    let shown = '';
    for (;;) {
      const answer = await operator.call({ method: 'GET', path: `${PATH}/${id}` });
      const rollout = readRollout(answer);
      const isOver = !args.has('watch') || !GOES_ON.includes(rollout.state);
      if (args.has('json')) {
        if (isOver) context.out(`${JSON.stringify(answer, undefined, 2)}\n`);
      } else {
        const gateways = await gatewaysOf(operator, id);
        const sheet = rolloutSheet(rollout, gateways, {
          all: args.has('gateways'),
          now_ms: context.clock.now(),
        });
        if (sheet !== shown)
          context.out(shown !== '' && context.isTerminal ? `\u001b[H\u001b[J${sheet}` : sheet);
        shown = sheet;
      }
      if (isOver) return statusOf(rollout);
      await context.clock.sleep(WATCH_PAUSE_MS, context.signal);
    }
  });
}

function statusOf({ state }: RolloutAnswer): number {
  return state === 'paused' || state === 'aborted' ? 3 : 0;
}

async function gatewaysOf(operator: Operator, id: string): Promise<RolloutGatewayAnswer[]> {
  const all: RolloutGatewayAnswer[] = [];
  for (let after: string | undefined; ; ) {
    const path = `${PATH}/${id}/gateways${query({ limit: PAGE, after })}`;
    const { gateways, next } = readRolloutGateways(await operator.call({ method: 'GET', path }));
    all.push(...gateways);
    if (next === undefined || next === after) return all;
    after = next;
  }
}

/** `gwe rollout approve|pause|resume|abort|retry ID`. */
export function actOnRollout(action: 'approve' | 'pause' | 'resume' | 'abort' | 'retry'): CommandRun {
  return (context, args) =>
    withPlatform(context, args, async ({ operator }) => {
      const [id = ''] = args.operands;
      const answer = await operator.call({ method: 'POST', path: `${PATH}/${id}/${action}` });
      const { state, why } = readRollout(answer);
      if (args.has('json')) context.out(`${JSON.stringify(answer, undefined, 2)}\n`);
      else context.out(`rollout ${id} is ${state}${why === '' ? '' : `: ${why}`}\n`);
      return 0;
    });
}
