/**
 * The flags of `gwe` without a command, as one table: parsing, `--help`, the man page, the completion and the reference
 * all derive from these rows. The flags are those of the original, short and long, and a few of ours; what they do is up
 * to flags.ts. Commands have their own table, commands.ts, of the same kind of rows.
 */
import { NAME_MAX_CHARACTERS } from '../config/identity.ts';
import type { SettingName } from '../config/settings.ts';

/** What a value may be. A setting's row in config/settings.ts says what its flag takes. */
export type ValueKind =
  | { readonly kind: 'text' }
  | { readonly kind: 'file' }
  | { readonly kind: 'folder' }
  | { readonly kind: 'interface' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number; readonly unit?: string }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: RegExp; readonly expected: string }
  | { readonly kind: 'url' }
  | { readonly kind: 'setting'; readonly name: SettingName }
  /** The name of a setting, not its value. */
  | { readonly kind: 'setting-name' };

export interface OptionRow {
  /** The name without its two dashes. */
  readonly long: string;
  /** The letter without its dash. */
  readonly short?: string;
  /** Further names that texts about the original use. */
  readonly alias?: string;
  /** Name of the value in usage lines. A row without one is a switch. */
  readonly value?: string;
  /** What the value may be; text when left out. */
  readonly type?: ValueKind;
  /** May come several times: all values count. Else the last one does. */
  readonly repeats?: true;
  /** Takes all words up to the next flag as values. */
  readonly takesMany?: true;
  /** Only means something beside one of these flags. */
  readonly needs?: readonly string[];
  readonly group: string;
  /** One sentence for help, man page and reference. */
  readonly sentence: string;
}

/** Headings of `gwe --help`, in its order. */
export const OPTION_GROUPS = [
  'What is there',
  'Who this gateway is (Gateway.cfg)',
  'How the engine runs (Engine.config)',
  'Running',
  'Workbench',
] as const;
const [SHOW, WHO, HOW, RUN, BENCH] = OPTION_GROUPS;

/** A pattern, or what unsets a key of Gateway.cfg: two quotes, as with the original, or nothing at all. */
const orUnset = (pattern: string) => new RegExp(`^(?:''|""|${pattern})?$`);
const NAME: ValueKind = {
  kind: 'pattern',
  pattern: orUnset(`[^\\s\\x00-\\x1f\\x7f/?#]{1,${NAME_MAX_CHARACTERS}}`),
  expected: `a name of up to ${NAME_MAX_CHARACTERS} characters without blanks, / ? or #, or '' to unset it`,
};
const SERIAL: ValueKind = {
  kind: 'pattern',
  pattern: orUnset(`[^\\s\\x00-\\x1f\\x7f]{1,${NAME_MAX_CHARACTERS}}`),
  expected: `a serial number of up to ${NAME_MAX_CHARACTERS} characters without blanks, or '' to unset it`,
};
const CIK: ValueKind = {
  kind: 'pattern',
  pattern: orUnset('[0-9a-f]{40}'),
  expected: "40 lower-case hexadecimal digits, or '' to unset it",
};
/** Linux allows 15 bytes. */
const IFACE: ValueKind = {
  kind: 'pattern',
  pattern: orUnset('(?!\\.\\.?$)[^/\\s\\x00]{1,15}'),
  expected: "the name of a network interface such as eth0, or '' to unset it",
};
const setting = (name: SettingName): ValueKind => ({ kind: 'setting', name });

/** Every flag that works without a command. */
export const ENGINE_OPTIONS: readonly OptionRow[] = [
  {
    long: 'help',
    short: 'h',
    group: SHOW,
    sentence: 'Show this help; after a command, the help of that command.',
  },
  {
    long: 'version',
    short: 'v',
    group: SHOW,
    sentence: 'Print the version, the commit it was built from, and the version of Node.js in it.',
  },
  { long: 'path', short: 'p', group: SHOW, sentence: 'Print where gwe is installed.' },
  { long: 'engine-conf', short: 'e', group: SHOW, sentence: 'Print the contents of Engine.config.' },
  { long: 'gateway-cfg', short: 'g', group: SHOW, sentence: 'Print the contents of Gateway.cfg.' },
  {
    long: 'gateway-cik',
    short: 'C',
    group: SHOW,
    sentence: "Print the gateway's key (CIK), or '' when it is not activated yet.",
  },
  {
    long: 'mac-address',
    value: 'IFACE',
    type: { kind: 'interface' },
    group: SHOW,
    sentence: 'Print the MAC address of a network interface, as it would serve as the serial number.',
  },

  {
    long: 'set-product-id',
    short: 'P',
    alias: 'product-id',
    value: 'PRODUCT_ID',
    type: NAME,
    group: WHO,
    sentence: 'Set the product: both model and vendor.',
  },
  {
    long: 'set-uuid',
    short: 'u',
    value: 'UUID',
    type: SERIAL,
    group: WHO,
    sentence: "Set the serial number. It comes before the interface's MAC address.",
  },
  {
    long: 'set-iface',
    short: 'i',
    value: 'IFACE',
    type: IFACE,
    group: WHO,
    sentence: 'Take the MAC address of this network interface as the serial number.',
  },
  { long: 'set-model', short: 'm', value: 'MODEL', type: NAME, group: WHO, sentence: 'Set the model alone.' },
  {
    long: 'set-vendor',
    short: 'r',
    value: 'VENDOR',
    type: NAME,
    group: WHO,
    sentence: 'Set the vendor alone.',
  },
  {
    long: 'set-cik',
    short: 'c',
    value: 'CIK',
    type: CIK,
    group: WHO,
    sentence: "Set the gateway's key; '' makes it activate anew.",
  },

  {
    long: 'set-server',
    value: 'URL',
    type: setting('engine.server'),
    group: HOW,
    sentence: "Set the platform's URL; '' means Exosite's own.",
  },
  {
    long: 'set-update-interval',
    short: 't',
    value: 'SECONDS',
    type: setting('engine.update_interval'),
    group: HOW,
    sentence: 'Set the time between two check-ins.',
  },
  {
    long: 'set-act-retry-interval',
    short: 'l',
    value: 'SECONDS',
    type: setting('engine.activation_retry_interval'),
    group: HOW,
    sentence: 'Set the time between two attempts to activate.',
  },
  {
    long: 'set-debug-level',
    short: 'd',
    value: 'LEVEL',
    type: setting('engine.debug_level'),
    group: HOW,
    sentence:
      'Set what the log shows; beside a workbench flag it counts for that call alone and is not stored.',
  },
  {
    long: 'set-user-agent',
    short: 'a',
    value: 'TEXT',
    type: setting('engine.user_agent'),
    group: HOW,
    sentence: 'Set the User-Agent header of every request.',
  },

  {
    long: 'once',
    short: 'o',
    group: RUN,
    sentence: 'Check in once in the foreground, do all that is asked for, and end.',
  },
  { long: 'check-now', group: RUN, sentence: 'Have the running engine check in now, and wait until it has.' },
  {
    long: 'self-test',
    group: RUN,
    sentence: 'Try configuration, state folder, reports, supervisord and platform, and say what works.',
  },

  {
    long: 'create-buildfile',
    short: 'x',
    group: BENCH,
    sentence: 'Ask for a name and a version, and write a buildfile for a new application.',
  },
  {
    long: 'check-buildfile',
    short: 'w',
    value: 'FILE',
    type: { kind: 'file' },
    group: BENCH,
    sentence: 'Check a buildfile.',
  },
  {
    long: 'build-app',
    value: 'FILE',
    type: { kind: 'file' },
    group: BENCH,
    sentence: "Build the application's tarball by a buildfile, and print its path.",
  },
  {
    long: 'build-app-tarball',
    short: 'y',
    group: BENCH,
    sentence: 'Build a tarball of all that lies in this folder, named by -n and -s, and print its path.',
  },
  {
    long: 'app-name',
    short: 'n',
    value: 'NAME',
    needs: ['build-app-tarball', 'create-buildfile'],
    group: BENCH,
    sentence: 'The NAME in NAME.vVERSION.tar.gz.',
  },
  {
    long: 'app-version',
    short: 's',
    value: 'VERSION',
    needs: ['build-app-tarball', 'create-buildfile'],
    group: BENCH,
    sentence: 'The VERSION in NAME.vVERSION.tar.gz.',
  },
  {
    long: 'check-tarball',
    short: 'z',
    value: 'TARBALL',
    type: { kind: 'file' },
    group: BENCH,
    sentence: 'Check a tarball as a gateway would, and show what is in it.',
  },
  {
    long: 'test-package',
    value: 'TARBALL',
    type: { kind: 'file' },
    group: BENCH,
    sentence:
      'Cut install.sh short at each of its steps, run it again, and name the step after which that fails.',
  },
  {
    long: 'previous',
    value: 'TARBALL',
    type: { kind: 'file' },
    needs: ['test-package'],
    group: BENCH,
    sentence: 'The version that is installed before the one that is tested.',
  },
  {
    long: 'yes',
    needs: ['test-package'],
    group: BENCH,
    sentence: 'Where no scratch world can be made, run install.sh on this very machine.',
  },
  {
    long: 'install-apps',
    short: 'I',
    value: 'TARBALL',
    type: { kind: 'file' },
    takesMany: true,
    repeats: true,
    group: BENCH,
    sentence: 'Install tarballs that lie on this machine, without a platform.',
  },
  {
    long: 'download-latest',
    value: 'AREA',
    group: BENCH,
    sentence:
      "Download the newest tarball of an application from the product's Content Area into this folder.",
  },
];

/** The flag that every command has. */
export const HELP_OPTION: OptionRow = {
  long: 'help',
  short: 'h',
  group: 'Help',
  sentence: 'Show this help.',
};

/** The flags of `gdc` without a command. */
export const CLIENT_OPTIONS: readonly OptionRow[] = [
  HELP_OPTION,
  { long: 'version', short: 'v', group: 'Help', sentence: 'Print the version.' },
];
