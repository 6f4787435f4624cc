/** The flags that say which gateways are meant, for lists, groups and rollouts alike, as rows of the option table. */
import type { OptionRow } from './options.ts';

const WHICH = 'Which gateways';
/** How a gateway stands by the time since it was last seen. */
const STATES = ['on-time', 'late', 'lost', 'never'] as const;
const SORTS = ['added', 'serial', 'last-seen'] as const;

/** What a group keeps and what a rollout may be narrowed by. */
export const CRITERIA_OPTIONS: readonly OptionRow[] = [
  {
    long: 'serial',
    value: 'TEXT',
    group: WHICH,
    sentence: 'Those with this in their serial, in any case of letters.',
  },
  { long: 'serial-prefix', value: 'TEXT', group: WHICH, sentence: 'Those whose serial begins with this.' },
  {
    long: 'tag',
    value: 'TAG',
    repeats: true,
    group: WHICH,
    sentence: 'Those with this tag; several: with all of them.',
  },
  {
    long: 'app',
    value: 'NAME[@VERSION]',
    group: WHICH,
    sentence: 'Those that have this application installed, at this version if one is named.',
  },
  {
    long: 'state',
    value: 'STATE',
    repeats: true,
    type: { kind: 'choice', choices: STATES },
    group: WHICH,
    sentence: 'Those that are on time, late, lost, or were never seen; several: any of them.',
  },
];

/** What only a list is narrowed by. */
export const LIST_OPTIONS: readonly OptionRow[] = [
  { long: 'group', short: 'g', value: 'GROUP', group: WHICH, sentence: 'Those of a group.' },
  ...CRITERIA_OPTIONS,
  {
    long: 'seen-after',
    value: 'TIME',
    group: WHICH,
    sentence: 'Those that were seen since then: 2h (ago), or 2026-05-01T06:00Z.',
  },
  {
    long: 'seen-before',
    value: 'TIME',
    group: WHICH,
    sentence: 'Those that were not seen since then; those never seen are among them.',
  },
  {
    long: 'status',
    value: 'STATUS',
    type: { kind: 'choice', choices: ['activated', 'notactivated'] },
    group: WHICH,
    sentence: 'Those that are activated, or are not.',
  },
  {
    long: 'sort',
    value: 'ORDER',
    type: { kind: 'choice', choices: SORTS },
    group: 'Output',
    sentence: 'In which order; as they were added when left out.',
  },
  { long: 'reverse', short: 'r', group: 'Output', sentence: 'In the reverse order.' },
  {
    long: 'limit',
    value: 'N',
    type: { kind: 'integer', min: 1, max: 1000 },
    group: 'Output',
    sentence: 'One page of so many, and where the next one begins; all when left out.',
  },
  { long: 'after', value: 'NEXT', group: 'Output', sentence: 'The page after the one that named this.' },
];
