/** The settings about what a line may cost: the data budget, and how much is reported. Rows of the table in settings.ts. */
import { integer, type Row } from './setting-row.ts';

const GIB = 1024 ** 3;

export const COST_ROWS = {
  'budget.bytes_per_day': integer(
    0,
    0,
    1024 * GIB,
    'bytes',
    'Most bytes that gwe moves over metered interfaces in a day of local time, both directions; 0 means no limit.',
  ),
  'budget.bytes_per_month': integer(
    0,
    0,
    1024 * GIB,
    'bytes',
    'Most bytes that gwe moves over metered interfaces in a month of local time; 0 means no limit.',
  ),
  'budget.reserve_bytes_per_day': integer(
    128 * 1024,
    0,
    GIB,
    'bytes',
    'What downloads leave of each day for check-ins; half of it is left by reports too. At most half of what a day may cost.',
  ),
  'budget.interfaces': {
    type: 'text',
    default: '',
    pattern: /^[^\s,/]{1,15}(\s*,\s*[^\s,/]{1,15})*$/,
    expected: 'names of interfaces with commas between them, * for any characters, such as wwan0,ppp*',
    sentence: 'Interfaces that are metered, such as wwan0,ppp*; empty means every one but lo.',
  },
  'budget.hours': {
    type: 'text',
    default: '',
    pattern: /^([01]?\d|2[0-4])\s*-\s*([01]?\d|2[0-4])(\s*,\s*([01]?\d|2[0-4])\s*-\s*([01]?\d|2[0-4]))*$/,
    expected: 'hours from 0 to 24 of local time, such as 6-24 or 7-12,14-22',
    sentence: 'Hours of the day that count, such as 6-24; outside of them traffic is free. Empty means all.',
  },
  'budget.counts': {
    type: 'choice',
    default: 'gwe',
    choices: ['gwe', 'interface'],
    sentence:
      "Whose bytes count: gwe's own, measured at the interface; or all that goes over the interface, whoever sends it.",
  },
  'reports.detail': {
    type: 'choice',
    default: 'full',
    choices: ['full', 'changed'],
    sentence:
      'What a check-in reports: all in full; or only what has changed, and every so often the digests of the rest.',
  },
  'reports.digest_every': integer(
    12,
    1,
    10_000,
    'check-ins',
    'With reports.detail = changed: of so many check-ins that leave reports out, one tells their digests, in report_digest.',
  ),
} as const satisfies Record<`${string}.${string}`, Row>;
