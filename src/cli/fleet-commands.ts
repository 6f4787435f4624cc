/** The operator's commands on gateways, their groups and their tags, as rows of the command table. */
import type { CommandRow } from './command-row.ts';
import { CRITERIA_OPTIONS, LIST_OPTIONS } from './fleet-options.ts';
import type { OptionRow } from './options.ts';

const OPERATOR = 'For operators';
const JSON_OPTION: OptionRow = { long: 'json', group: 'Output', sentence: 'Print JSON, for programs.' };
const PRODUCT_OPTION: OptionRow = {
  long: 'product',
  short: 'P',
  value: 'PRODUCT',
  group: 'Which product',
  sentence: 'The product that is meant; when left out, the one given at login, else the only one there is.',
};
const NOTE_OPTION: OptionRow = {
  long: 'note',
  value: 'TEXT',
  group: 'The group',
  sentence: 'What is to be known about it.',
};
const SERIALS = { name: 'SERIAL', repeats: true } as const;
const GROUP = { name: 'GROUP' } as const;
const TAG = { name: 'TAG' } as const;
const LIST = [PRODUCT_OPTION, ...LIST_OPTIONS, JSON_OPTION];

const GATEWAY_COMMANDS: readonly CommandRow[] = [
  {
    name: 'gateway add',
    group: OPERATOR,
    operands: [SERIALS],
    options: [PRODUCT_OPTION],
    sentence: 'Let gateways of these serials activate, and print what to run on each.',
    load: async () => ({ run: (await import('./gateway.ts')).addGateway }),
  },
  {
    name: 'gateway enable',
    group: OPERATOR,
    operands: [SERIALS],
    options: [PRODUCT_OPTION],
    sentence:
      'Let a gateway activate once more, after it lost its key or its hardware was replaced; the old key is dead.',
    load: async () => ({ run: (await import('./gateway.ts')).enableGateway }),
  },
  {
    name: 'gateway rm',
    group: OPERATOR,
    operands: [SERIALS],
    options: [PRODUCT_OPTION],
    sentence: 'Remove gateways and what they reported.',
    load: async () => ({ run: (await import('./gateway.ts')).removeGateway }),
  },
  {
    name: 'gateway list',
    group: OPERATOR,
    operands: [],
    options: LIST,
    sentence: 'The same as gateways.',
    load: () => import('./gateways.ts'),
  },
  {
    name: 'gateways',
    group: OPERATOR,
    operands: [],
    options: LIST,
    sentence: 'List the gateways, or those that fit: when each was last seen, and what is installed on it.',
    details: ['Whatever is given must fit. With --limit the next page is told on standard error.'],
    examples: [
      [
        'gwe gateways --state lost --sort last-seen',
        'those that have missed several check-ins, the longest lost first',
      ],
      ['gwe gateways --app hello@1 --tag lab --seen-after 1d', 'who still has the old version in the lab'],
    ],
    load: () => import('./gateways.ts'),
  },
];

const GROUP_COMMANDS: readonly CommandRow[] = [
  {
    name: 'group create',
    group: OPERATOR,
    operands: [GROUP, { ...SERIALS, optional: true }],
    options: [PRODUCT_OPTION, NOTE_OPTION, ...CRITERIA_OPTIONS],
    sentence: 'Make a group: of the gateways with these serials, of those that fit a filter, or of both.',
    details: ['A gateway that comes to fit the filter later is in the group from then on.'],
    examples: [
      ['gwe group create lab gw-1 gw-2', 'two gateways'],
      ['gwe group create north --tag north', 'all that have the tag, now and later'],
    ],
    load: async () => ({ run: (await import('./group.ts')).createGroup }),
  },
  {
    name: 'group list',
    group: OPERATOR,
    operands: [],
    options: [PRODUCT_OPTION, JSON_OPTION],
    sentence: 'List the groups, and how many gateways are in each.',
    load: async () => ({ run: (await import('./group.ts')).listGroups }),
  },
  {
    name: 'group show',
    group: OPERATOR,
    operands: [GROUP],
    options: [PRODUCT_OPTION, JSON_OPTION],
    sentence:
      'Show the filter and the listed gateways of a group; "gwe gateways --group GROUP" lists all that are in it.',
    load: async () => ({ run: (await import('./group.ts')).showGroup }),
  },
  {
    name: 'group join',
    group: OPERATOR,
    operands: [GROUP, SERIALS],
    options: [PRODUCT_OPTION],
    sentence: 'Put gateways into a group.',
    load: async () => ({ run: (await import('./group.ts')).changeMembers('add') }),
  },
  {
    name: 'group leave',
    group: OPERATOR,
    operands: [GROUP, SERIALS],
    options: [PRODUCT_OPTION],
    sentence: 'Take gateways off the list of a group; one that fits its filter stays in it.',
    load: async () => ({ run: (await import('./group.ts')).changeMembers('remove') }),
  },
  {
    name: 'group set',
    group: OPERATOR,
    operands: [GROUP],
    options: [
      PRODUCT_OPTION,
      NOTE_OPTION,
      ...CRITERIA_OPTIONS,
      { long: 'no-filter', group: 'The group', sentence: 'Only those that are listed are in it.' },
    ],
    sentence: 'Change the filter of a group; what is given takes the place of what it had.',
    load: async () => ({ run: (await import('./group.ts')).setGroup }),
  },
  {
    name: 'group rm',
    group: OPERATOR,
    operands: [GROUP],
    options: [PRODUCT_OPTION],
    sentence: 'Remove a group; its gateways stay.',
    load: async () => ({ run: (await import('./group.ts')).removeGroup }),
  },
];

const TAG_COMMANDS: readonly CommandRow[] = [
  {
    name: 'tag add',
    group: OPERATOR,
    operands: [TAG, SERIALS],
    options: [PRODUCT_OPTION],
    sentence: 'Give a tag to gateways.',
    examples: [['gwe tag add timezone=Europe/Berlin gw-7', 'the hours of a rollout count by its own clock']],
    load: async () => ({ run: (await import('./tag.ts')).changeTag('add') }),
  },
  {
    name: 'tag rm',
    group: OPERATOR,
    operands: [TAG, SERIALS],
    options: [PRODUCT_OPTION],
    sentence: 'Take a tag from gateways.',
    load: async () => ({ run: (await import('./tag.ts')).changeTag('remove') }),
  },
  {
    name: 'tag list',
    group: OPERATOR,
    operands: [],
    options: [PRODUCT_OPTION, JSON_OPTION],
    sentence: 'List the tags, and how many gateways have each.',
    load: async () => ({ run: (await import('./tag.ts')).listTags }),
  },
];

/** In the order of the help. */
export const FLEET_COMMANDS: readonly CommandRow[] = [
  ...GATEWAY_COMMANDS,
  ...GROUP_COMMANDS,
  ...TAG_COMMANDS,
];
