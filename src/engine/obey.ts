/** Doing what the platform said: the interval, and the install instruction, which must be neither lost nor carried out twice. */

import { changeSetting } from '../config/engine-config.ts';
import { SETTINGS } from '../config/settings.ts';
import { asGweError } from '../errors.ts';
import { makeFolder, readIfThere, writeDurably } from '../host/files.ts';
import { isSameCommand } from '../installer/journal.ts';
import type { CheckInAnswer } from './check-in.ts';
import type { Engine } from './engine.ts';
import { type ParsedInstruction, parseInstruction, parseInterval } from './instruction.ts';
import { carryOn } from './recover.ts';
import { forgetRefused, isRefused, refuse } from './refusal.ts';
import type { Turn } from './turn.ts';

/** How often in one turn an instruction that changes under our hands is looked at again. */
const MAX_ROUNDS = 5;

/** Obeys what the check-in brought, and notes in `turn` what could not be done. Raises the client's errors. */
export async function obey(engine: Engine, answer: CheckInAnswer, turn: Turn): Promise<void> {
  await obeyInterval(engine, answer.update_interval, turn);
  const accepted = await takeInstruction(engine, answer.engine_fetch, turn);
  if (accepted) await carryOn(engine, turn);
}

/** update_interval: a number in range is stored, holds for the very next sleep, and the alias is cleared; anything else is answered. */
async function obeyInterval(engine: Engine, text: string, turn: Turn): Promise<void> {
  if (text === '') return forgetRefused(engine, 'update_interval');
  try {
    const interval_s = parseInterval(text, SETTINGS['engine.update_interval']);
    if (interval_s !== undefined) storeInterval(engine, interval_s);
  } catch (thrown) {
    const error = asGweError(thrown);
    // A disk that refuses is no fault of the value: it stays where it is, and is tried again at the next check-in.
    if (error.code !== 'malformed')
      return engine.log.error(`update_interval cannot be stored: ${error.message}`);
    turn.allDone = false;
    refuse(engine, 'update_interval', text, error);
  }
  const seen = await engine.client.readWithTag(engine.cik ?? '', 'update_interval');
  if (seen.value === text) await clear(engine, 'update_interval', seen.etag);
}

function storeInterval(engine: Engine, interval_s: number): void {
  const { places } = engine.context;
  engine.updateInterval_s = interval_s;
  makeFolder(places.config);
  const before = readIfThere(places.engineConfig) ?? '';
  writeDurably(places.engineConfig, changeSetting(before, 'engine.update_interval', String(interval_s)));
  engine.log.info(`update_interval is ${interval_s} s now`);
}

/**
 * Takes what stands in engine_fetch into the journal, and only then clears it; returns whether there is new work. A text
 * whose clearing was not acknowledged is the command that we have already. The value is read again just before it is
 * cleared, and where the platform gives it a tag, the clearing hangs on that: a newer command is never wiped.
 */
async function takeInstruction(engine: Engine, text: string, turn: Turn): Promise<boolean> {
  let accepted = false;
  let now: { value: string; etag: string | undefined } = { value: text, etag: undefined };
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (now.value === '') {
      nothingStands(engine);
      return accepted;
    }
    if (now.etag === undefined) now = await readFetch(engine);
    accepted = takeValue(engine, now, turn) || accepted;
    const again = now.etag === undefined ? await readFetch(engine) : now;
    if (again.value === now.value && (await clear(engine, 'engine_fetch', again.etag)) === 'cleared') {
      nothingStands(engine);
      return accepted;
    }
    now = await readFetch(engine);
  }
  return accepted;
}

const readFetch = (engine: Engine) => engine.client.readWithTag(engine.cik ?? '', 'engine_fetch');

const clear = (engine: Engine, alias: string, etag: string | undefined) =>
  engine.client.clear(engine.cik ?? '', alias, etag);

/** The alias is empty or holds something newer: every clearing that was under way has been seen to. */
function nothingStands(engine: Engine): void {
  clearingsAreOver(engine);
  forgetRefused(engine, 'engine_fetch');
}

function clearingsAreOver(engine: Engine): void {
  for (const entry of engine.installer.pending()) {
    if (entry.clearing === 'pending') engine.installer.cleared(entry.id);
  }
}

/** Journals one value of engine_fetch, or answers it when it is malformed. Returns whether it is a new command. */
function takeValue(engine: Engine, now: { value: string; etag: string | undefined }, turn: Turn): boolean {
  const known = engine.installer
    .pending()
    .some((entry) => entry.clearing === 'pending' && isSameCommand(entry, now.value, now.etag));
  if (known) return false;
  nothingStandsBut(engine, now.value);
  let instruction: ParsedInstruction | undefined;
  try {
    instruction = parseInstruction(now.value);
  } catch (error) {
    turn.allDone = false;
    refuse(engine, 'engine_fetch', now.value, asGweError(error));
    return false;
  }
  if (instruction === undefined) return false;
  engine.installer.accept({ ...instruction, ...(now.etag === undefined ? {} : { etag: now.etag }) });
  engine.log.info(`Instruction taken: ${now.value.slice(0, 500)}`);
  return true;
}

/** A new text in the alias means that the clearing of every former one is over. */
function nothingStandsBut(engine: Engine, text: string): void {
  if (isRefused(engine, 'engine_fetch', text)) clearingsAreOver(engine);
  else nothingStands(engine);
}
