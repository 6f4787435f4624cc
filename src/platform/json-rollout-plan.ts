/** The body of `POST /api/v1/rollouts` as a plan, every field checked, with what counts where one is left out. Pure. */
import { parseTarballName } from '../app/name.ts';
import { asGweError, GweError } from '../errors.ts';
import { optionalTextIn, textIn, textsIn, timeIn } from './json-body.ts';
import { criteriaIn, criteriaJson } from './json-filter.ts';
import { INSTALL_NAMES_MAX, NAME_MAX_CHARACTERS } from './limits.ts';
import { appOf } from './rollout-order.ts';
import type { Plan, Stage, Window } from './rollout-types.ts';
import { isClock, isTimezone } from './rollout-window.ts';

/** What counts where nothing is said. */
export const DEFAULT_STAGES: readonly Stage[] = [{ percent: 10 }, { percent: 100 }];
export const DEFAULT_CAP = 100;
export const DEFAULT_FAIL_LIMIT_PERCENT = 10;
export const DEFAULT_SILENT_AFTER_S = 600;

const STAGES_MAX = 20;
const CAP_MAX = 100_000;
const SILENT_AFTER_MAX_S = 30 * 86_400;

type Body = Readonly<Record<string, unknown>>;

/** Reads it. Raises `malformed`, saying which field and what is expected. */
export function planIn(body: Body, now_ms: number): Plan {
  const names = namesIn(body);
  const until_ms = timeIn(body, 'offlineUntil');
  if (until_ms !== undefined && until_ms <= now_ms) throw malformed('"offlineUntil" lies in the past');
  const criteria = body['filter'] === undefined ? {} : criteriaIn(body['filter']);
  const isFiltered = Object.keys(criteria).length > 0;
  return {
    product: textIn(body, 'product'),
    name: nameIn(body, names),
    names,
    digests: {},
    stages: stagesIn(body['stages']),
    cap: numberIn(body, 'cap', { min: 1, max: CAP_MAX, otherwise: DEFAULT_CAP }),
    failLimit_percent: numberIn(body, 'failLimit_percent', {
      min: 0,
      max: 100,
      otherwise: DEFAULT_FAIL_LIMIT_PERCENT,
      isFraction: true,
    }),
    silentAfter_s: numberIn(body, 'silentAfter_s', {
      min: 0,
      max: SILENT_AFTER_MAX_S,
      otherwise: DEFAULT_SILENT_AFTER_S,
    }),
    ...given('group', optionalTextIn(body, 'group')),
    ...given('filter', isFiltered ? criteriaJson(criteria) : undefined),
    ...given('window', windowIn(body['window'])),
    ...given('offlineUntil_ms', until_ms),
    ...given('dynamic', flagIn(body, 'dynamic')),
  };
}

function given<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  const made: Partial<Record<K, T>> = {};
  if (value !== undefined) made[key] = value;
  return made;
}

/** A switch that is on; one that is off is as one that is left out. */
function flagIn(body: Body, key: string): true | undefined {
  const value = body[key];
  if (value === undefined || value === false) return undefined;
  if (value === true) return true;
  throw malformed(`"${key}" must be true or false`);
}

function namesIn(body: Body): string[] {
  const names = [...new Set(textsIn(body, 'names') ?? [])];
  if (names.length === 0 || names.length > INSTALL_NAMES_MAX) {
    throw malformed(`"names" must have 1 to ${INSTALL_NAMES_MAX} tarballs`);
  }
  for (const name of names) {
    try {
      parseTarballName(name);
    } catch (thrown) {
      throw malformed(`"${name.slice(0, 80)}" is no tarball: ${asGweError(thrown).message}`);
    }
  }
  return names;
}

function nameIn(body: Body, names: readonly string[]): string {
  const given = optionalTextIn(body, 'name');
  if (given !== undefined && given.length > NAME_MAX_CHARACTERS) throw malformed('"name" is too long');
  if (given !== undefined && given !== '') return given;
  const own = names.map((each) => `${appOf(each).app} ${appOf(each).version}`).join(', ');
  return own.slice(0, NAME_MAX_CHARACTERS);
}

function stagesIn(value: unknown): Stage[] {
  if (value === undefined) return [...DEFAULT_STAGES];
  if (!Array.isArray(value) || value.length === 0 || value.length > STAGES_MAX) {
    throw malformed(`"stages" must be a list of 1 to ${STAGES_MAX}`);
  }
  return value.map((each: unknown) => {
    const { percent, count }: Body = typeof each === 'object' && each !== null ? { ...each } : {};
    if (typeof percent === 'number' && percent > 0 && percent <= 100) return { percent };
    if (typeof count === 'number' && Number.isSafeInteger(count) && count > 0) return { count };
    throw malformed('a stage must be {"percent": more than 0, up to 100} or {"count": 1 or more}');
  });
}

function windowIn(value: unknown): Window | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null) throw malformed('"window" must be an object');
  const body: Body = { ...value };
  const [from, to, timezone] = [textIn(body, 'from'), textIn(body, 'to'), optionalTextIn(body, 'timezone')];
  if (!isClock(from) || !isClock(to)) throw malformed('"from" and "to" must be HH:MM');
  if (timezone !== undefined && !isTimezone(timezone)) {
    throw malformed(`"${timezone.slice(0, 40)}" is no time zone such as Europe/Berlin`);
  }
  return { from, to, ...given('days', daysIn(body['days'])), ...given('timezone', timezone) };
}

function daysIn(value: unknown): number[] | undefined {
  if (value === undefined) return undefined;
  const isDay = (day: unknown): day is number =>
    typeof day === 'number' && [0, 1, 2, 3, 4, 5, 6].includes(day);
  if (Array.isArray(value) && value.length > 0 && value.every(isDay)) return [...new Set(value)];
  throw malformed('"days" must be a list of 0 (Sunday) to 6');
}

function numberIn(
  body: Body,
  key: string,
  limits: { min: number; max: number; otherwise: number; isFraction?: boolean },
): number {
  const { min, max, otherwise, isFraction = false } = limits;
  const value = body[key];
  if (value === undefined) return otherwise;
  const isNumber =
    typeof value === 'number' && (isFraction ? Number.isFinite(value) : Number.isSafeInteger(value));
  if (isNumber && value >= min && value <= max) return value;
  throw malformed(`"${key}" must be a${isFraction ? '' : ' whole'} number from ${min} to ${max}`);
}

function malformed(what: string): GweError {
  return new GweError('malformed', `Cannot start a rollout: ${what}`);
}
