/**
 * The commands of `gwe`, and those of `gdc`, as tables: dispatch, `--help`, the man page, the completion and the reference
 * all derive from these rows. A new command is a new row and a module with a `run`; the module is loaded when it is called.
 */
import type { CommandRow, OperandRow } from './command-row.ts';
import { OPERATOR_COMMANDS } from './operator-commands.ts';
import type { OptionRow } from './options.ts';

/** Headings of the command list in `gwe --help`, in its order. */
export const COMMAND_GROUPS = [
  'On the gateway',
  'For developers',
  'For operators',
  'The platform',
  'Other',
] as const;
const [GATEWAY, DEVELOPER, , , OTHER] = COMMAND_GROUPS;

/** A flag that several commands have. */
export const JSON_OPTION: OptionRow = {
  long: 'json',
  group: 'Output',
  sentence: 'Print JSON, for programs.',
};

const SETTING_OPERAND = { name: 'SECTION.KEY', type: { kind: 'setting-name' } } as const;

/** Every command of `gwe`. */
export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'status',
    group: GATEWAY,
    operands: [],
    options: [JSON_OPTION],
    sentence: 'Show the last check-in, the next one, what is installed, and what is under way.',
    examples: [['gwe status', 'how this gateway is doing']],
    load: () => import('./status.ts'),
  },
  {
    name: 'why',
    group: GATEWAY,
    operands: [{ name: 'SERIAL', optional: true }],
    options: [
      JSON_OPTION,
      {
        long: 'product',
        short: 'P',
        value: 'PRODUCT',
        group: 'Which gateway',
        sentence: 'With SERIAL: the product of that gateway, where several products have one.',
      },
    ],
    sentence: 'Say what stands between this gateway and the state it was told to reach, and what to do.',
    details: [
      'With SERIAL it is asked of the platform, about any gateway: the same words as on its page.',
      'Ends with 0 when nothing stands in the way, else with 1.',
    ],
    examples: [
      ['gwe why', 'the reasons, the most pressing first, with the time of the next attempt'],
      ['gwe why gw-7', 'as an operator: what gw-7 waits for, as the platform knows it'],
    ],
    load: () => import('./why.ts'),
  },
  {
    name: 'metrics',
    group: GATEWAY,
    operands: [],
    options: [
      {
        long: 'output',
        short: 'o',
        value: 'FILE',
        type: { kind: 'file' },
        group: 'Output',
        sentence: 'Replace this file with them, as a whole.',
      },
    ],
    sentence: "Print how this gateway stands as metrics, for Prometheus's node_exporter.",
    examples: [
      [
        'gwe metrics -o /var/lib/node_exporter/gwe.prom',
        'for its textfile collector; once a minute by cron or a systemd timer',
      ],
    ],
    load: () => import('./metrics.ts'),
  },
  {
    name: 'config list',
    group: GATEWAY,
    operands: [],
    options: [JSON_OPTION],
    sentence: 'List every setting with its value; those that differ from their default are marked.',
    load: async () => ({ run: (await import('./config.ts')).runList }),
  },
  {
    name: 'config get',
    group: GATEWAY,
    operands: [SETTING_OPERAND],
    options: [],
    sentence: 'Print the value of a setting.',
    load: async () => ({ run: (await import('./config.ts')).runGet }),
  },
  {
    name: 'config set',
    group: GATEWAY,
    operands: [SETTING_OPERAND, { name: 'VALUE' }],
    options: [],
    sentence: 'Change a setting in Engine.config, and print the file.',
    examples: [['gwe config set install.timeout 600', 'give every install.sh ten minutes']],
    load: async () => ({ run: (await import('./config.ts')).runSet }),
  },
  {
    name: 'keygen',
    group: DEVELOPER,
    operands: [],
    options: [
      {
        long: 'public-key',
        short: 'p',
        value: 'FILE',
        type: { kind: 'file' },
        group: 'Files',
        sentence: 'Where the public key goes; minisign.pub in this folder when left out.',
      },
      {
        long: 'secret-key',
        short: 's',
        value: 'FILE',
        type: { kind: 'file' },
        group: 'Files',
        sentence: 'Where the secret key goes; minisign.key in this folder when left out.',
      },
      {
        long: 'no-password',
        short: 'W',
        group: 'Password',
        sentence: 'Do not protect the secret key with a password (for CI).',
      },
      { long: 'force', short: 'f', group: 'Files', sentence: 'Write over a key that is there.' },
    ],
    sentence: 'Make a pair of keys for signing tarballs, in the formats of minisign.',
    details: ['Put the public key into the folder keys/ of the configuration on each gateway, named *.pub.'],
    examples: [['gwe keygen -p fleet.pub -s fleet.key', 'a new pair of keys; asks for a password']],
    load: async () => ({ run: (await import('./sign.ts')).runKeygen }),
  },
  {
    name: 'sign',
    group: DEVELOPER,
    operands: [{ name: 'FILE', type: { kind: 'file' }, repeats: true }],
    options: [
      {
        long: 'secret-key',
        short: 's',
        value: 'FILE',
        type: { kind: 'file' },
        group: 'Files',
        sentence: 'The secret key; minisign.key in this folder when left out.',
      },
      {
        long: 'no-password',
        short: 'W',
        group: 'Password',
        sentence: 'Do not ask for a password: the key has none.',
      },
    ],
    sentence: 'Sign tarballs: makes FILE.minisig beside each, which minisign can verify.',
    examples: [['gwe sign -s fleet.key hello.v2.tar.gz', 'makes hello.v2.tar.gz.minisig']],
    load: async () => ({ run: (await import('./sign.ts')).runSign }),
  },
  {
    name: 'delta',
    group: DEVELOPER,
    operands: [
      { name: 'OLD', type: { kind: 'file' } },
      { name: 'NEW', type: { kind: 'file' } },
    ],
    options: [
      {
        long: 'output',
        short: 'o',
        value: 'FILE',
        type: { kind: 'file' },
        group: 'Files',
        sentence: 'Where it goes; beside NEW, under the name that gateways ask for, when left out.',
      },
    ],
    sentence: 'Make a delta from one version of a tarball to another, for the Content Area beside it.',
    details: [
      'gwe platform makes deltas from the last three versions by itself; this is for any other One Platform.',
    ],
    examples: [['gwe delta hello.v1.tar.gz hello.v2.tar.gz', 'makes hello.v2.tar.gz.from.v1.delta']],
    load: () => import('./delta.ts'),
  },
  ...OPERATOR_COMMANDS,
  {
    name: 'completion',
    group: OTHER,
    operands: [{ name: 'SHELL', type: { kind: 'choice', choices: ['bash'] } }],
    options: [],
    sentence: 'Print a script that lets the shell complete commands, flags and values.',
    examples: [
      ['source <(gwe completion bash)', 'complete in this shell; put the line into ~/.bashrc to keep it'],
    ],
    load: () => import('./completion.ts'),
  },
  {
    name: 'help',
    group: OTHER,
    operands: [{ name: 'COMMAND', optional: true, repeats: true }],
    options: [],
    sentence: 'Show the help of gwe or of one of its commands.',
    load: () => import('./help.ts'),
  },
];

const CIK_OPERAND: OperandRow = {
  name: 'CIK',
  type: {
    kind: 'pattern',
    pattern: /^[0-9a-f]{40}$/,
    expected: '40 lower-case hexadecimal digits (a gateway that is not activated has none)',
  },
};
const CLIENT = 'Commands';
const SERVER_OPTION: OptionRow = {
  long: 'server',
  value: 'URL',
  type: { kind: 'url' },
  group: 'Platform',
  sentence: "The platform's URL; when left out, the one that gwe is set to.",
};
const PRODUCT_OPTIONS: readonly OptionRow[] = [
  {
    long: 'vendor',
    value: 'VENDOR',
    group: 'Product',
    sentence: 'The vendor; when left out, the one in Gateway.cfg.',
  },
  {
    long: 'model',
    value: 'MODEL',
    group: 'Product',
    sentence: 'The model; when left out, the one in Gateway.cfg.',
  },
];

/** Every command of `gdc`, the device client that applications and their install.sh use. */
export const CLIENT_COMMANDS: readonly CommandRow[] = [
  {
    name: 'write',
    group: CLIENT,
    operands: [CIK_OPERAND, { name: 'ALIAS' }, { name: 'VALUE' }],
    options: [SERVER_OPTION],
    sentence: 'Write a value to a dataport; a VALUE of - is read from standard input.',
    examples: [['gdc write "$(gwe --gateway-cik)" fetch_status "half way"', 'say how an install is going']],
    load: async () => ({ run: (await import('./gdc.ts')).runWrite }),
  },
  {
    name: 'read',
    group: CLIENT,
    operands: [CIK_OPERAND, { name: 'ALIAS' }],
    options: [SERVER_OPTION],
    sentence: 'Print the value of a dataport; an empty line when it has none.',
    examples: [['gdc read "$(gwe --gateway-cik)" setpoint', 'the value alone']],
    load: async () => ({ run: (await import('./gdc.ts')).runRead }),
  },
  {
    name: 'record',
    group: CLIENT,
    operands: [CIK_OPERAND, { name: 'ALIAS' }, { name: 'TIME=VALUE', repeats: true }],
    options: [SERVER_OPTION],
    sentence: 'Write values that were measured earlier; TIME is in seconds since 1970.',
    load: async () => ({ run: (await import('./gdc.ts')).runRecord }),
  },
  {
    name: 'wait',
    group: CLIENT,
    operands: [CIK_OPERAND, { name: 'ALIAS' }],
    options: [
      SERVER_OPTION,
      {
        long: 'timeout',
        short: 't',
        value: 'SECONDS',
        type: { kind: 'integer', min: 1, max: 300, unit: 's' },
        group: 'Waiting',
        sentence: 'Longest wait; 300 when left out.',
      },
    ],
    sentence: 'Wait until a dataport is written, and print its value; ends with 1 when the time is over.',
    load: async () => ({ run: (await import('./gdc.ts')).runWait }),
  },
  {
    name: 'activate',
    group: CLIENT,
    operands: [{ name: 'SERIAL', optional: true }],
    options: [SERVER_OPTION, ...PRODUCT_OPTIONS],
    sentence: 'Activate a device and print its key (CIK); SERIAL is the gateway itself when left out.',
    details: ["Gateway.cfg is not touched: the gateway's own key is the engine's business."],
    load: async () => ({ run: (await import('./gdc.ts')).runActivate }),
  },
  {
    name: 'listc',
    group: CLIENT,
    operands: [CIK_OPERAND],
    options: [SERVER_OPTION, ...PRODUCT_OPTIONS],
    sentence: "List the product's Content Area, one name a line.",
    load: async () => ({ run: (await import('./gdc.ts')).runList }),
  },
  {
    name: 'info',
    group: CLIENT,
    operands: [CIK_OPERAND, { name: 'NAME' }],
    options: [SERVER_OPTION, ...PRODUCT_OPTIONS, JSON_OPTION],
    sentence: 'Show type, size and time of something in the Content Area.',
    load: async () => ({ run: (await import('./gdc.ts')).runInfo }),
  },
  {
    name: 'download',
    group: CLIENT,
    operands: [CIK_OPERAND, { name: 'NAME' }, { name: 'FILE', optional: true, type: { kind: 'file' } }],
    options: [SERVER_OPTION, ...PRODUCT_OPTIONS],
    sentence:
      'Download something from the Content Area; to a file of the same name when FILE is left out, - is standard output.',
    load: async () => ({ run: (await import('./gdc.ts')).runDownload }),
  },
  {
    name: 'timestamp',
    group: CLIENT,
    operands: [],
    options: [SERVER_OPTION],
    sentence: "Print the platform's time in seconds since 1970.",
    load: async () => ({ run: (await import('./gdc.ts')).runTimestamp }),
  },
];
