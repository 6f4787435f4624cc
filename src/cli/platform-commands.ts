/** The commands for who runs a platform, as rows of the command table: serving it, tokens, the audit trail. */
import { LOG_LEVELS } from '../host/log.ts';
import type { CommandRow } from './command-row.ts';
import type { OptionRow } from './options.ts';

const GROUP = 'The platform';
const JSON_OPTION: OptionRow = { long: 'json', group: 'Output', sentence: 'Print JSON, for programs.' };

const PLATFORM_COMMAND: CommandRow = {
  name: 'platform',
  group: GROUP,
  operands: [],
  options: [
    {
      long: 'data',
      value: 'DIR',
      type: { kind: 'folder' },
      group: 'Serving',
      sentence: 'The folder that keeps everything; it is made when it is not there.',
    },
    {
      long: 'store',
      value: 'URL',
      group: 'Serving',
      sentence:
        'Keep everything but content in PostgreSQL: postgres://USER@HOST/DATABASE, which any number of platforms may share. In DIR when left out.',
    },
    {
      long: 'content',
      value: 'URL',
      group: 'Serving',
      sentence:
        'Keep content in an S3 API: s3://BUCKET/PREFIX?endpoint=URL, and cache=20G, redirect=on. In DIR when left out.',
    },
    {
      long: 'listen',
      value: 'HOST:PORT',
      group: 'Serving',
      sentence: 'Where to listen; 127.0.0.1:8080 when left out, and port 0 takes any free one.',
    },
    {
      long: 'vendor',
      value: 'NAME',
      group: 'Serving',
      sentence:
        'The vendor that devices name; gwe when left out. A vendor equal to the model is accepted too.',
    },
    {
      long: 'cert',
      value: 'FILE',
      type: { kind: 'file' },
      group: 'Serving',
      sentence: "The server's certificate with its chain (PEM): serves HTTPS.",
    },
    {
      long: 'key',
      value: 'FILE',
      type: { kind: 'file' },
      group: 'Serving',
      sentence: "The certificate's private key (PEM).",
    },
    {
      long: 'durability',
      value: 'HOW',
      type: { kind: 'choice', choices: ['full', 'normal'] },
      group: 'Serving',
      sentence:
        'full, as when left out: what is acknowledged is on the disk; normal: a power cut may take the last second.',
    },
    {
      long: 'history',
      value: 'DAYS',
      type: { kind: 'integer', min: 1, max: 90, unit: 'days' },
      group: 'Serving',
      sentence:
        'How long the history of dataports is kept; 90 when left out. The newest value of each stays whatever its age.',
    },
    {
      long: 'no-deltas',
      group: 'Serving',
      sentence:
        'Make no deltas by itself, which takes processor time and room after each upload of a tarball.',
    },
    {
      long: 'trust-proxy',
      value: 'ADDRESS',
      repeats: true,
      group: 'Serving',
      sentence:
        'A reverse proxy whose X-Forwarded-For and X-Forwarded-Proto are believed; may come several times.',
    },
    {
      long: 'approval',
      value: 'PRODUCT',
      repeats: true,
      group: 'Serving',
      sentence:
        'Rollouts of this product wait until another operator approves them; may come several times, and all means every product.',
    },
    {
      long: 'debug-level',
      short: 'd',
      value: 'LEVEL',
      type: { kind: 'choice', choices: LOG_LEVELS },
      group: 'Serving',
      sentence: 'The least that is logged on standard error; INFO when left out. Keys and tokens never are.',
    },
  ],
  sentence: 'Serve the One Platform from one folder, until TERM or Ctrl-C.',
  details: [
    'The first line on standard output is "listening on URL". The first operator token is printed once, on standard error; GWE_PLATFORM_TOKEN in the environment presets it.',
    'HUP makes it read certificate and key again; connections go on.',
    'The credentials for --content are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of the environment, or those in the file that AWS_SHARED_CREDENTIALS_FILE names.',
    'The password for --store is PGPASSWORD of the environment, or the one in the file that PGPASSFILE names; never a part of URL.',
  ],
  examples: [['gwe platform --data ./fleet', 'a platform for this machine, at http://127.0.0.1:8080']],
  load: () => import('./platform.ts'),
};

const DATA_OPTION: OptionRow = {
  long: 'data',
  value: 'DIR',
  type: { kind: 'folder' },
  group: 'Where',
  sentence: "The platform's folder.",
};

const BACKUP_COMMANDS: readonly CommandRow[] = [
  {
    name: 'platform backup',
    group: GROUP,
    operands: [{ name: 'FILE' }],
    options: [
      DATA_OPTION,
      {
        long: 'database-only',
        group: 'What',
        sentence: 'Without content, where that lies in S3: it is backed up there.',
      },
    ],
    sentence: 'Write all that a platform keeps into one archive, also while it runs.',
    details: [
      'The archive has its name only after it was read back. Keep it as safe as the platform itself.',
    ],
    examples: [['gwe platform backup fleet.tar --data ./fleet', 'to be copied to another machine']],
    load: async () => ({ run: (await import('./platform-backup.ts')).backup }),
  },
  {
    name: 'platform restore',
    group: GROUP,
    operands: [{ name: 'FILE', type: { kind: 'file' } }],
    options: [DATA_OPTION],
    sentence: 'Put a backup into a folder that is empty or new.',
    details: [
      'Gateways keep their keys, operators their tokens. A backup of an older gwe is brought forward at the next start.',
    ],
    examples: [['gwe platform restore fleet.tar --data ./fleet', 'then: gwe platform --data ./fleet']],
    load: async () => ({ run: (await import('./platform-backup.ts')).restore }),
  },
];

const MIGRATE_COMMAND: CommandRow = {
  name: 'platform migrate',
  group: GROUP,
  operands: [],
  options: [
    {
      long: 'from',
      value: 'DIR',
      type: { kind: 'folder' },
      group: 'Where',
      sentence: 'The folder of the platform as it is; it stays so.',
    },
    {
      long: 'content',
      value: 'URL',
      group: 'Where',
      sentence: 'Where content goes: as --content of gwe platform.',
    },
    {
      long: 'store',
      value: 'URL',
      group: 'Where',
      sentence: 'Where everything else goes: as --store of gwe platform. An empty database.',
    },
  ],
  sentence: 'Bring a platform from its folder to PostgreSQL, its content to an S3 API.',
  details: [
    'Content: it can be repeated, and sends only what is not there; each file is read back and compared by its SHA-256. The platform may run meanwhile.',
    'The rest: the platform must have ended. It is one transaction, so a run that was cut leaves nothing and is repeated. Each kind of thing is read back before it counts, and its number and digest are printed. On a database that has all of it nothing is changed; one that holds something else is refused.',
  ],
  examples: [['gwe platform migrate --from ./fleet --store postgres://gwe@db/gwe', 'everything but content']],
  load: async () => ({ run: (await import('./platform-migrate.ts')).migrate }),
};

const TOKEN_COMMANDS: readonly CommandRow[] = [
  {
    name: 'token create',
    group: GROUP,
    operands: [{ name: 'NAME' }],
    options: [
      {
        long: 'role',
        value: 'ROLE',
        type: { kind: 'choice', choices: ['viewer', 'operator', 'admin'] },
        group: 'What it may do',
        sentence:
          'viewer reads; operator also writes, deploys and rolls out, as when left out; admin may all.',
      },
      {
        long: 'only',
        value: 'PRODUCT',
        repeats: true,
        group: 'What it may do',
        sentence: 'For this product alone; may come several times. All products when left out.',
      },
      {
        long: 'days',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 36_500 },
        group: 'What it may do',
        sentence: 'It expires after so many days; never when left out.',
      },
    ],
    sentence: 'Make a token for a person or a program, and print it: it cannot be shown again.',
    examples: [['gwe token create ci --role operator --only PRODUCT --days 90', 'for a build server']],
    load: async () => ({ run: (await import('./token.ts')).createToken }),
  },
  {
    name: 'token list',
    group: GROUP,
    operands: [],
    options: [JSON_OPTION],
    sentence: 'List the tokens: what each may do, and when it was last used.',
    load: async () => ({ run: (await import('./token.ts')).listTokens }),
  },
  {
    name: 'token rm',
    group: GROUP,
    operands: [{ name: 'NAME', repeats: true }],
    options: [],
    sentence: 'Revoke tokens; who is logged in with one is out at once.',
    load: async () => ({ run: (await import('./token.ts')).removeToken }),
  },
];

const AUDIT_COMMANDS: readonly CommandRow[] = [
  {
    name: 'audit list',
    group: GROUP,
    operands: [],
    options: [
      {
        long: 'lines',
        short: 'n',
        value: 'N',
        type: { kind: 'integer', min: 1, max: 1000 },
        group: 'Which records',
        sentence: 'The newest N; 50 when left out.',
      },
      { long: 'who', value: 'NAME', group: 'Which records', sentence: 'Those of one token.' },
      {
        long: 'product',
        short: 'P',
        value: 'PRODUCT',
        group: 'Which records',
        sentence: 'Those of one product.',
      },
      JSON_OPTION,
    ],
    sentence: 'List what operators changed, when, and from where.',
    load: async () => ({ run: (await import('./audit.ts')).listAudit }),
  },
  {
    name: 'audit verify',
    group: GROUP,
    operands: [],
    options: [
      {
        long: 'head',
        value: 'HASH',
        type: { kind: 'pattern', pattern: /^[0-9a-f]{64}$/, expected: '64 lower-case hexadecimal digits' },
        group: 'Checking',
        sentence: 'A hash that an earlier call printed: it must still be there.',
      },
    ],
    sentence: 'Check that no record of the audit trail was changed, taken out or put in.',
    details: ['Ends with 1 when the chain is broken. The check is made here, not on the platform.'],
    load: async () => ({ run: (await import('./audit.ts')).verifyAudit }),
  },
];

export const PLATFORM_COMMANDS: readonly CommandRow[] = [
  PLATFORM_COMMAND,
  ...BACKUP_COMMANDS,
  MIGRATE_COMMAND,
  ...TOKEN_COMMANDS,
  ...AUDIT_COMMANDS,
];
