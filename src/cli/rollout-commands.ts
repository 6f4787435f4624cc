/** The commands on rollouts, and the fleet on a laptop, as rows of the command table. */
import type { CommandRow } from './command-row.ts';
import { CRITERIA_OPTIONS } from './fleet-options.ts';
import type { OptionRow } from './options.ts';

const GROUP = 'For operators';
const JSON_OPTION: OptionRow = { long: 'json', group: 'Output', sentence: 'Print JSON, for programs.' };
const PRODUCT_OPTION: OptionRow = {
  long: 'product',
  short: 'P',
  value: 'PRODUCT',
  group: 'Which product',
  sentence: 'The product that is meant; when left out, the one given at login, else the only one there is.',
};
const ID = {
  name: 'ID',
  type: { kind: 'pattern', pattern: /^\d{1,15}$/, expected: 'the number of a rollout' },
} as const;
const STATES = ['proposed', 'running', 'paused', 'aborting', 'aborted', 'complete'] as const;
const WHO = 'Which gateways';
const HOW = 'How it goes';

const CREATE_OPTIONS: readonly OptionRow[] = [
  PRODUCT_OPTION,
  { long: 'group', short: 'g', value: 'GROUP', group: WHO, sentence: 'The gateways of a group.' },
  { long: 'all', group: WHO, sentence: 'All gateways of the product.' },
  ...CRITERIA_OPTIONS.map((row) => ({ ...row, group: WHO })),
  {
    long: 'dynamic',
    group: WHO,
    sentence: 'Also those that come to fit later; it then goes on until it is aborted.',
  },
  {
    long: 'stages',
    value: 'STAGES',
    group: HOW,
    sentence: 'How many are told in each stage, in percent or number: 10%,50%,100%. 10%,100% when left out.',
  },
  {
    long: 'cap',
    value: 'N',
    type: { kind: 'integer', min: 1, max: 100_000 },
    group: HOW,
    sentence: 'How many may be under way at a time; 100 when left out.',
  },
  {
    long: 'fail-limit',
    value: 'PERCENT',
    group: HOW,
    sentence: 'Pause when more than this fail, or fall silent or unhealthy after success; 10% when left out.',
  },
  {
    long: 'silent-after',
    value: 'TIME',
    group: HOW,
    sentence: 'Silence after success that counts, beside the interval of the gateway; 10m when left out.',
  },
  {
    long: 'window',
    value: 'FROM-TO',
    group: HOW,
    sentence: 'Tell gateways only at these hours, each by its own time zone: 02:00-05:00.',
  },
  {
    long: 'timezone',
    value: 'ZONE',
    group: HOW,
    sentence: 'The time zone of gateways without one of their own (a tag such as timezone=Europe/Berlin).',
  },
  {
    long: 'offline-until',
    value: 'TIME',
    group: HOW,
    sentence: 'Leave gateways that are offline then: 2d, or 2026-05-01T06:00Z. Else they are waited for.',
  },
  { long: 'name', value: 'NAME', group: HOW, sentence: 'What it is called.' },
  {
    long: 'force',
    short: 'f',
    group: 'Uploading',
    sentence: 'Upload even a tarball that gateways will discard.',
  },
  JSON_OPTION,
];

const act = (name: 'approve' | 'pause' | 'resume' | 'abort' | 'retry', sentence: string): CommandRow => ({
  name: `rollout ${name}`,
  group: GROUP,
  operands: [ID],
  options: [JSON_OPTION],
  sentence,
  load: async () => ({ run: (await import('./rollout.ts')).actOnRollout(name) }),
});

export const ROLLOUT_COMMANDS: readonly CommandRow[] = [
  {
    name: 'rollout create',
    group: GROUP,
    operands: [{ name: 'TARBALL', type: { kind: 'file' }, repeats: true }],
    options: CREATE_OPTIONS,
    sentence: 'Install tarballs on many gateways, stage by stage; it stops by itself when too many go wrong.',
    details: [
      'A TARBALL is a file here, which is uploaded unless it is there already, or a name in the Content Area.',
      'Gateways that have it already count as done; those that are offline hold nobody up.',
    ],
    examples: [
      [
        'gwe rollout create --all --stages 10%,50%,100% hello.v2.tar.gz',
        'a tenth first, then half, then all',
      ],
      [
        'gwe rollout create --group north --cap 20 --window 02:00-05:00 hello.v2.tar.gz',
        'at night, where each of them is',
      ],
      [
        'gwe rollout create --group north --dynamic hello.v2.tar.gz',
        'and whoever joins the group later gets it, too',
      ],
    ],
    load: async () => ({ run: (await import('./rollout.ts')).createRollout }),
  },
  {
    name: 'rollout list',
    group: GROUP,
    operands: [],
    options: [
      PRODUCT_OPTION,
      {
        long: 'state',
        value: 'STATE',
        type: { kind: 'choice', choices: STATES },
        group: 'Which rollouts',
        sentence: 'Those in this state.',
      },
      {
        long: 'limit',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 1000 },
        group: 'Output',
        sentence: 'The newest so many; 100 when left out.',
      },
      {
        long: 'before',
        value: 'ID',
        type: ID.type,
        group: 'Output',
        sentence: 'Those made before this one: the next page.',
      },
      JSON_OPTION,
    ],
    sentence: 'List the rollouts, the newest first.',
    load: async () => ({ run: (await import('./rollout.ts')).listRollouts }),
  },
  {
    name: 'rollout show',
    group: GROUP,
    operands: [ID],
    options: [
      { long: 'gateways', group: 'Output', sentence: 'List every gateway, not only those that went wrong.' },
      { long: 'watch', short: 'w', group: 'Output', sentence: 'Go on until it has ended or is paused.' },
      JSON_OPTION,
    ],
    sentence: 'Show how far a rollout is, stage by stage, and what went wrong.',
    load: async () => ({ run: (await import('./rollout.ts')).showRollout }),
  },
  act('approve', 'Let a rollout begin that somebody else proposed, where a platform demands that.'),
  act('pause', 'Tell no further gateway, and take back what was not taken yet.'),
  act('resume', 'Go on after a pause; what went wrong so far is accepted.'),
  act('abort', 'End a rollout: take back what was not taken yet; what was taken cannot be called back.'),
  act('retry', 'Tell those that failed, fell silent or were left once more.'),
  {
    name: 'simulate',
    group: 'The platform',
    operands: [{ name: 'N', type: { kind: 'integer', min: 1, max: 100_000 } }],
    options: [
      PRODUCT_OPTION,
      {
        long: 'url',
        value: 'URL',
        type: { kind: 'url' },
        group: 'Where',
        sentence: 'The platform; the one you are logged in to when left out.',
      },
      { long: 'anywhere', group: 'Where', sentence: 'Also against a platform that is not on this machine.' },
      {
        long: 'prefix',
        value: 'TEXT',
        group: 'Where',
        sentence: 'What their serials begin with; sim- when left out.',
      },
      {
        long: 'interval',
        value: 'TIME',
        group: 'What they do',
        sentence: 'Their check-ins; 60s when left out.',
      },
      {
        long: 'install-seconds',
        value: 'TIME',
        group: 'What they do',
        sentence: 'How long an install takes; 5s when left out.',
      },
      { long: 'fail', value: 'PERCENT', group: 'What goes wrong', sentence: 'How many installs fail.' },
      {
        long: 'silent',
        value: 'PERCENT[@TIME]',
        group: 'What goes wrong',
        sentence: 'How many fall silent so long after an install succeeded: 25%@120s.',
      },
      {
        long: 'unhealthy',
        value: 'PERCENT',
        group: 'What goes wrong',
        sentence: 'On how many the program of the application ends after an install succeeded.',
      },
      { long: 'offline', value: 'PERCENT', group: 'What goes wrong', sentence: 'How many are never seen.' },
      {
        long: 'speed',
        value: 'FACTOR',
        type: { kind: 'pattern', pattern: /^\d{1,4}(\.\d+)?$/, expected: 'a number such as 10' },
        group: 'Time',
        sentence: 'All their times are so many times as short.',
      },
      {
        long: 'duration',
        value: 'TIME',
        group: 'Time',
        sentence: 'End after this; else they go on until Ctrl-C.',
      },
      {
        long: 'download',
        group: 'What they do',
        sentence: 'Really download what they install, and throw it away.',
      },
      {
        long: 'seed',
        value: 'N',
        type: { kind: 'integer', min: 0, max: 4_294_967_295 },
        group: 'Time',
        sentence: 'The same number gives the same fleet; 1 when left out.',
      },
    ],
    sentence: 'Run a fleet of simulated gateways against a platform on this machine.',
    details: [
      'They speak the real protocol and report as gwe does; nothing is installed anywhere. Gateways that are missing are added.',
    ],
    examples: [
      ['gwe simulate 200 --interval 10s --fail 5%', 'a fleet to try a rollout on'],
      ['gwe simulate 5000 --duration 10m', 'how a platform bears 5,000 gateways'],
    ],
    load: () => import('./simulate.ts'),
  },
];
