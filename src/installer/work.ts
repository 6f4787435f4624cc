/**
 * Carrying out what the journal holds, from whatever phase lies there: the normal way and recovery are one. An instruction's
 * tarballs are done in order; one that must wait holds up those behind it in the same instruction, but no later instruction.
 */
import { CheckFailure } from '../app/checks.ts';
import { isRetryable } from '../client/errors.ts';
import { asGweError, explain, GweError } from '../errors.ts';
import { takeLittleMemory } from '../host/buffers.ts';
import { announce } from './announce.ts';
import { budgetHold } from './budget-hold.ts';
import { download } from './fetch.ts';
import { commit, report, reportWaiting } from './finish.ts';
import { health } from './health.ts';
import { enter, type Hold, type Job, noteTrouble, openJob, type Session, type Step } from './job.ts';
import type { ItemResult, JournalEntry, JournalItem } from './journal-format.ts';
import { failureOf, isBeforeScript, PHASES, type Phase } from './phases.ts';
import { rollback } from './rollback.ts';
import { awaitReboot, runInstall } from './run.ts';
import { endLeftOver, keepOutput } from './script.ts';
import { dismissStandBy } from './stand-by.ts';
import { supervise } from './supervise.ts';
import { sweep } from './sweep.ts';
import { unpack } from './unpack.ts';

/** What each phase does. The table in phases.ts says where it may lead. */
const ACTS: Record<Exclude<Phase, 'ended'>, (job: Job) => Promise<Step> | Step> = {
  announce,
  download,
  unpack,
  script: runInstall,
  reboot: awaitReboot,
  supervise,
  health,
  commit,
  rollback,
  report,
};

/** What still waits after a run. */
export interface Held extends Hold {
  entry: string;
  name: string;
}

/** Works off the journal as far as it goes now; what stands in the way of one item, or of tidying up, stops no other. */
export async function carryOutAll(session: Session): Promise<Held[]> {
  const { journal, signal } = session;
  attempt(session, () => reportDamaged(session));
  attempt(session, () => sweep(session));
  const held: Held[] = [];
  const seen = new Set<string>();
  for (;;) {
    const entry = journal.entries().find(({ id }) => !seen.has(id));
    if (entry === undefined || signal.aborted) return held;
    seen.add(entry.id);
    await takeLittleMemory();
    const stopped = await carryOutEntry(session, entry);
    if (stopped !== undefined) held.push(stopped);
    if (stopped?.kind === 'stopped') return held;
  }
}

async function carryOutEntry(session: Session, { id, items }: JournalEntry): Promise<Held | undefined> {
  const { journal } = session;
  for (const [index, item] of items.entries()) {
    const hold = await carryOut(openJob(session, id, index));
    if (hold !== undefined) return { ...hold, entry: id, name: item.name.file };
  }
  attempt(session, () => journal.settle(id));
  return undefined;
}

/** Does what the work can go on without, and what the next run does again. */
function attempt({ deps }: Session, act: () => void): void {
  try {
    act();
  } catch (error) {
    deps.log.error(explain(error));
  }
}

/** One tarball, phase by phase, until it has ended or must wait. */
async function carryOut(job: Job): Promise<Hold | undefined> {
  try {
    await resume(job);
    for (;;) {
      const { phase } = job.item();
      if (phase === 'ended') return undefined;
      if (job.session.signal.aborted) return { kind: 'stopped', error: stopped(), key: 'stopped' };
      const began_ms = job.deps.clock.monotonic();
      const step = await take(job, phase);
      if ('hold' in step) return tell(job, step.hold);
      enter(job, step.to, step.set ?? {}, job.deps.clock.monotonic() - began_ms);
      // With its last item the instruction has left the journal.
      if (step.to === 'ended') return undefined;
    }
  } catch (error) {
    // Not even the journal can be written: nothing is lost, it is all still to be done.
    return { kind: 'state', error: asGweError(error), key: 'state' };
  } finally {
    await dismissStandBy(job);
  }
}

const stopped = () => new GweError('stopped', 'gwe was told to stop');

/** Where an earlier run left it, as the table of phases says. */
async function resume(job: Job): Promise<void> {
  const item = job.item();
  if (item.phase === 'ended') return;
  await endLeftOver(job);
  const { resumesAt } = PHASES[item.phase];
  if (isSuperseded(job, item)) enter(job, 'report', { result: superseded() }, 0);
  else if (resumesAt !== item.phase) enter(job, resumesAt, {}, 0);
}

/** What has waited in vain is not done after a newer command for the same application: that one would be undone by it. */
function isSuperseded({ session, entryId }: Job, item: JournalItem): boolean {
  if (item.trouble === undefined || item.attempt > 0 || !isBeforeScript(item.phase)) return false;
  return session.journal
    .entries()
    .some(({ id, items }) => id > entryId && items.some(({ name }) => name.app === item.name.app));
}

const superseded = (): ItemResult => ({
  outcome: 'failed',
  why: 'a newer instruction for the same application came while it waited',
});

async function take(job: Job, phase: Exclude<Phase, 'ended'>): Promise<Step> {
  try {
    return await ACTS[phase](job);
  } catch (thrown) {
    const error = asGweError(thrown);
    if (error.code === 'budget') return { hold: budgetHold(job, error) };
    const step = afterFailure(job.item(), error, job.session.signal.aborted);
    if ('to' in step && error.code === 'internal') keepOutput(job, traceOf(thrown), 'gwe');
    return step;
  }
}

const traceOf = (thrown: unknown): Buffer =>
  Buffer.from(thrown instanceof Error ? `${thrown.stack ?? thrown.message}\n` : `${String(thrown)}\n`);

/**
 * What follows from an error in a phase. Pure. Network trouble is not failure; a full disk is waited for; what was told to
 * stop goes on at the next start; all else ends the item, by way of the last good version once install.sh was begun.
 */
export function afterFailure(item: JournalItem, error: GweError, isStopping: boolean): Step {
  const { phase, attempt } = item;
  const isOnNetwork = phase === 'announce' || phase === 'download';
  if (isStopping || error.code === 'stopped') return { hold: { kind: 'stopped', error, key: 'stopped' } };
  if (isOnNetwork && isRetryable(error)) return { hold: { kind: 'network', error, key: error.code } };
  if (error.code === 'disk-full') return { hold: { kind: 'disk', error, key: `full in ${phase}` } };
  const failsTo = failureOf(phase);
  if (failsTo === undefined) return { hold: { kind: 'state', error, key: error.code } };
  const result = isOnNetwork && error.code === 'not-found' ? goneResult() : resultOf(item, error);
  return { to: isBeforeScript(phase) && attempt > 0 ? 'rollback' : failsTo, set: { result } };
}

const goneResult = (): ItemResult => ({ outcome: 'gone', why: 'not in the Content Area' });

function resultOf({ result, phase }: JournalItem, error: GweError): ItemResult {
  const note = error.hint === undefined ? {} : { note: error.hint };
  if (phase === 'rollback')
    return { outcome: 'failed', ...result, note: `the way back failed: ${error.message}` };
  const isRefused = error.code === 'check' || error.code === 'signature';
  if (!isRefused || !isBeforeScript(phase))
    return { ...result, outcome: 'failed', why: error.message, ...note };
  const check = error instanceof CheckFailure ? error.check : error.code;
  const why = error.message.startsWith(`${check}: `) ? error.message.slice(check.length + 2) : error.message;
  return { outcome: 'discarded', check, why, ...note };
}

function tell(job: Job, hold: Hold): Hold {
  if (hold.kind === 'stopped') return hold;
  const isNews = noteTrouble(job, hold);
  if (isNews) job.deps.log.warning(`${job.item().name.file} waits: ${hold.error.message}`);
  // What is about to be reported with its end is not told to wait.
  const { phase } = job.item();
  const waits = hold.kind === 'disk' || hold.kind === 'budget';
  const isWaiting = waits && phase !== 'commit' && phase !== 'report';
  // On a full disk even this may not find room: then the log has it, and `gwe why`.
  if (isNews && isWaiting) attempt(job.session, () => reportWaiting(job));
  return hold;
}

/** A journal file that is damaged cannot be carried out; that is said once, and the file is kept for whoever looks. */
function reportDamaged({ journal, deps, ends }: Session): void {
  for (const { id, why, code } of [...journal.damaged()]) {
    if (code !== 'malformed') continue;
    const end = {
      name: 'engine_fetch',
      app: '',
      version: '',
      outcome: 'failed' as const,
      why: `${why.slice(0, 1).toLowerCase()}${why.slice(1)}`,
      note: `It is kept as ${id}.json.damaged. Write the instruction again.`,
      time_ms: deps.clock.now(),
    };
    deps.report(end, `${id}-damaged`);
    journal.putAside(id);
    ends.push(end);
    deps.log.error(`${id}: ${why}`);
  }
}
