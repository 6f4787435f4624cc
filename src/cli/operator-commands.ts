/** The operator's commands as rows of the command table: the platform itself, and what is asked of one. */
import type { CommandRow } from './command-row.ts';
import { FLEET_COMMANDS } from './fleet-commands.ts';
import type { OptionRow } from './options.ts';
import { PLATFORM_COMMANDS } from './platform-commands.ts';
import { ROLLOUT_COMMANDS } from './rollout-commands.ts';

const OPERATOR = 'For operators';

const JSON_OPTION: OptionRow = { long: 'json', group: 'Output', sentence: 'Print JSON, for programs.' };
const PRODUCT_OPTION: OptionRow = {
  long: 'product',
  short: 'P',
  value: 'PRODUCT',
  group: 'Which product',
  sentence: 'The product that is meant; when left out, the one given at login, else the only one there is.',
};
const SERIAL = { name: 'SERIAL' } as const;

const LOGIN_COMMAND: CommandRow = {
  name: 'login',
  group: OPERATOR,
  operands: [{ name: 'URL', type: { kind: 'url' } }],
  options: [
    {
      long: 'token',
      value: 'TOKEN',
      group: 'Login',
      sentence: 'The operator token; when left out GWE_PLATFORM_TOKEN, else it is read from standard input.',
    },
    {
      long: 'product',
      short: 'P',
      value: 'PRODUCT',
      group: 'Login',
      sentence: 'The product that is meant by commands that name none.',
    },
    {
      long: 'ca',
      value: 'FILE',
      type: { kind: 'file' },
      group: 'Login',
      sentence: 'Certificates (PEM) to trust beside the usual ones.',
    },
    {
      long: 'allow-http',
      group: 'Login',
      sentence: 'Send the token in clear text to a platform that is not on this machine.',
    },
  ],
  sentence: 'Try a token on a platform, and keep it for the commands below.',
  details: ['GWE_PLATFORM_URL and GWE_PLATFORM_TOKEN in the environment come before what is stored.'],
  examples: [['gwe login http://127.0.0.1:8080', 'asks for the token']],
  load: () => import('./login.ts'),
};

const PRODUCT_COMMANDS: readonly CommandRow[] = [
  {
    name: 'product create',
    group: OPERATOR,
    operands: [{ name: 'PRODUCT' }],
    options: [],
    sentence: 'Create a product: what gateways call model and vendor.',
    load: async () => ({ run: (await import('./product.ts')).createProduct }),
  },
  {
    name: 'product list',
    group: OPERATOR,
    operands: [],
    options: [JSON_OPTION],
    sentence: 'List the products.',
    load: async () => ({ run: (await import('./product.ts')).listProducts }),
  },
  {
    name: 'product rm',
    group: OPERATOR,
    operands: [{ name: 'PRODUCT' }],
    options: [
      { long: 'force', group: 'Removing', sentence: 'With its gateways and all that they reported.' },
    ],
    sentence: 'Remove a product.',
    load: async () => ({ run: (await import('./product.ts')).removeProduct }),
  },
];

const CONTENT_COMMANDS: readonly CommandRow[] = [
  {
    name: 'content upload',
    group: OPERATOR,
    operands: [{ name: 'FILE', type: { kind: 'file' }, repeats: true }],
    options: [
      PRODUCT_OPTION,
      {
        long: 'force',
        short: 'f',
        group: 'Uploading',
        sentence: 'Upload even a tarball that gateways will discard, and what is there already.',
      },
      {
        long: 'delta-from',
        value: 'OLD',
        type: { kind: 'file' },
        repeats: true,
        group: 'Uploading',
        sentence: 'Make a delta from this older tarball of the application, and upload it too.',
      },
    ],
    sentence:
      "Check files and upload them to the product's Content Area; FILE.minisig beside one goes with it.",
    details: [
      'A *.tar.gz passes the very checks that a gateway makes, before a byte is sent. Ends with 3 when one fails.',
    ],
    examples: [
      ['gwe content upload hello.v2.tar.gz', 'checks it, then uploads it'],
      [
        'gwe content upload hello.v2.tar.gz --delta-from hello.v1.tar.gz',
        'with the delta for gateways that have version 1',
      ],
    ],
    load: async () => ({ run: (await import('./content.ts')).uploadContent }),
  },
  {
    name: 'content list',
    group: OPERATOR,
    operands: [],
    options: [PRODUCT_OPTION, JSON_OPTION],
    sentence: "List the product's Content Area.",
    load: async () => ({ run: (await import('./content.ts')).listContent }),
  },
  {
    name: 'content rm',
    group: OPERATOR,
    operands: [{ name: 'NAME', repeats: true }],
    options: [PRODUCT_OPTION],
    sentence: "Remove something from the product's Content Area.",
    load: async () => ({ run: (await import('./content.ts')).removeContent }),
  },
];

const GATEWAY_WORK_COMMANDS: readonly CommandRow[] = [
  {
    name: 'deploy',
    group: OPERATOR,
    operands: [SERIAL, { name: 'TARBALL', type: { kind: 'file' }, repeats: true }],
    options: [
      PRODUCT_OPTION,
      { long: 'no-wait', group: 'Waiting', sentence: 'End as soon as the command is with the platform.' },
      {
        long: 'timeout',
        value: 'SECONDS',
        type: { kind: 'integer', min: 1, max: 31_536_000, unit: 's' },
        group: 'Waiting',
        sentence: 'Longest wait; a day when left out. The command stays with the gateway.',
      },
      {
        long: 'force',
        short: 'f',
        group: 'Uploading',
        sentence: 'Upload even a tarball that the gateway will discard.',
      },
    ],
    sentence: 'Install tarballs on a gateway, and show what it says until all have ended.',
    details: [
      'A TARBALL is a file here, which is uploaded unless it is there already, or a name in the Content Area.',
      'Ends with 0 when all are installed, 3 when one was discarded, failed or gone, 1 when the wait was over or the platform out of reach.',
    ],
    examples: [['gwe deploy gw-7 hello.v2.tar.gz', 'upload it, install it on gw-7, wait for the outcome']],
    load: () => import('./deploy.ts'),
  },
  {
    name: 'write',
    group: OPERATOR,
    operands: [SERIAL, { name: 'ALIAS' }, { name: 'VALUE' }],
    options: [PRODUCT_OPTION],
    sentence: 'Write a value to a dataport of a gateway; a VALUE of - is read from standard input.',
    examples: [
      ['gwe write gw-7 update_interval 600', 'from its next check-in on, gw-7 checks in every ten minutes'],
    ],
    load: async () => ({ run: (await import('./dataport.ts')).writeDataport }),
  },
  {
    name: 'read',
    group: OPERATOR,
    operands: [SERIAL, { name: 'ALIAS' }],
    options: [
      PRODUCT_OPTION,
      {
        long: 'points',
        short: 'n',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 10_000 },
        group: 'What to print',
        sentence: 'Print the newest N values, oldest first, each with its time.',
      },
    ],
    sentence: 'Print the value of a dataport of a gateway.',
    examples: [['gwe read gw-7 fetch_status', 'how its last install ended']],
    load: async () => ({ run: (await import('./dataport.ts')).readDataport }),
  },
];

/** Every command for operators, in the order of the help. */
export const OPERATOR_COMMANDS: readonly CommandRow[] = [
  ...PLATFORM_COMMANDS,
  LOGIN_COMMAND,
  ...PRODUCT_COMMANDS,
  ...FLEET_COMMANDS,
  ...CONTENT_COMMANDS,
  ...GATEWAY_WORK_COMMANDS,
  ...ROLLOUT_COMMANDS,
];
