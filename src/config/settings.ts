/**
 * The settings of the engine, as one table: the reader, the writer, `gwe config`, `--help` and docs/config.md all
 * derive from these rows. Where they are kept is up to engine-config.ts.
 */
import { GweError } from '../errors.ts';
import { LOG_LEVELS } from '../host/log.ts';
import { VERSION } from '../host/version.ts';
import { COST_ROWS } from './cost-settings.ts';
import { integer, onOff, type Row, text } from './setting-row.ts';

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;
const YEAR_S = 31_536_000;

/** Every setting: `section.key` → its row. */
export const SETTINGS = {
  'engine.update_interval': integer(43_200, 1, YEAR_S, 's', 'Time between two check-ins.'),
  'engine.jitter_percent': integer(
    5,
    0,
    100,
    'percent',
    'Each sleep of 60 s or more is lengthened by up to this part of it, by a phase that hangs on the serial; 0 turns it off.',
  ),
  'engine.activation_retry_interval': integer(60, 1, YEAR_S, 's', 'Time between two attempts to activate.'),
  'engine.debug_level': {
    type: 'choice',
    default: 'INFO',
    choices: LOG_LEVELS,
    sentence: 'The least urgent lines that the log shows.',
  },
  'engine.user_agent': text(`GatewayEngine-v${VERSION}`, 'The User-Agent header of every request.'),
  'engine.server': text('', "URL of the platform; empty means https://MODEL.m2.exosite.io, Exosite's own."),
  'engine.allow_http': onOff(false, 'Allow cleartext HTTP to a platform that is not on this machine.'),
  'engine.request_timeout': integer(
    60,
    1,
    3600,
    's',
    'Longest wait for a connection, for the headers of an answer, and for the next byte of it.',
  ),
  'engine.hibernate': {
    type: 'choice',
    default: 'auto',
    choices: ['auto', 'on', 'off'],
    sentence:
      'Become a tiny sleeping shell between check-ins: auto does for sleeps of 10 s or more, unless run on a terminal.',
  },
  'engine.push': onOff(
    false,
    'Hold a connection to the platform in place of sleeping, so that a command arrives at once; for gateways on mains and cable: gwe stays awake.',
  ),
  'download.max_tarball_bytes': integer(GIB, 1, 1024 * GIB, 'bytes', 'Largest tarball that is downloaded.'),
  'download.delta_max_memory': integer(
    32 * MIB,
    0,
    16 * GIB,
    'bytes',
    'Most memory that making a tarball of a delta may take; a delta that needs more is left, and the whole tarball is downloaded. 0 means no deltas.',
  ),
  'download.max_rate': integer(0, 0, 1024 * GIB, 'bytes/s', 'Fastest download; 0 means no limit.'),
  ...COST_ROWS,
  'install.timeout': integer(
    1800,
    1,
    YEAR_S,
    's',
    'Longest run of install.sh; then TERM, and 10 s later KILL.',
  ),
  'install.max_unpacked_bytes': integer(
    4 * GIB,
    1,
    4096 * GIB,
    'bytes',
    'Most bytes that a tarball may unpack to.',
  ),
  'install.max_entries': integer(
    200_000,
    1,
    10_000_000,
    'entries',
    'Most files, folders and links in a tarball.',
  ),
  'install.output_max_bytes': integer(
    64 * 1024,
    1024,
    16 * MIB,
    'bytes',
    'Most output of install.sh that is kept: head and tail.',
  ),
  'install.max_attempts': integer(
    3,
    1,
    100,
    'attempts',
    'How often an interrupted install.sh is run before it is rolled back.',
  ),
  'install.health_window': integer(
    10,
    0,
    86_400,
    's',
    "How long a new version's program must stay RUNNING before the version is committed.",
  ),
  'install.health_timeout': integer(60, 1, YEAR_S, 's', 'Longest run of health.sh and uninstall.sh.'),
  'install.rollback': onOff(true, 'Go back to the last good version when an install fails.'),
  'install.reserve_bytes': integer(
    16 * MIB,
    0,
    1024 * GIB,
    'bytes',
    'Disk space that an install must leave free.',
  ),
  'install.reserve_inodes': integer(100, 0, 10_000_000, 'inodes', 'Inodes that an install must leave free.'),
  'install.allow_downgrade': onOff(true, 'Install a version that is older than the one that is there.'),
  'outbox.max_entries': integer(500, 10, 100_000, 'entries', 'Most reports that wait to be sent.'),
  'outbox.max_bytes': integer(
    8 * MIB,
    64 * 1024,
    GIB,
    'bytes',
    'Most bytes of reports that wait to be sent.',
  ),
  'supervisor.socket': text('/var/run/supervisor.sock', "supervisord's unix socket."),
  'supervisor.conf_dir': text(
    '/etc/supervisor/conf.d',
    'Where the program files that supervisord includes lie.',
  ),
  'supervisor.log_dir': text('/var/log', 'Where the logs of applications go.'),
  'security.require_signature': {
    type: 'choice',
    default: 'auto',
    choices: ['auto', 'on', 'off'],
    sentence: 'Install only tarballs signed by a key in keys/: auto does as soon as a key lies there.',
  },
  'security.ca': text('', "File of certificates (PEM) to trust beside the system's and Node.js's own."),
  'security.client_cert': text('', 'File of the certificate (PEM) that gwe shows to the platform.'),
  'security.client_key': text('', 'File of the private key (PEM) of that certificate.'),
  'security.proxy': text(
    '',
    'URL of an HTTP proxy; empty means HTTPS_PROXY and NO_PROXY of the environment.',
  ),
} as const satisfies Record<`${string}.${string}`, Row>;

export type SettingName = keyof typeof SETTINGS;
type ValueOf<R extends Row> = R extends { type: 'integer' }
  ? number
  : R extends { type: 'switch' }
    ? boolean
    : R extends { choices: readonly (infer C)[] }
      ? C
      : string;
/** A value for each setting, by its full name. */
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof SETTINGS)[Name]> };

/** All setting names, in the order of the table. */
export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** Whether there is a setting of that name. */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(SETTINGS, name);
}

/** `section.key` → its two parts. */
export function splitSettingName(name: SettingName): [section: string, key: string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}

/**
 * Reads the text of one value, as it stands in Engine.config or on the command line; `''` written as two quotes is empty.
 * Raises `config`, saying what was expected.
 */
export function parseSetting<Name extends SettingName>(name: Name, written: string): Settings[Name] {
  return parseRow(SETTINGS[name], name, written.trim()) as Settings[Name];
}

function parseRow(row: Row, name: string, written: string): number | string | boolean {
  const bare = written === "''" || written === '""' ? '' : written;
  const refuse = () =>
    new GweError('config', `Cannot set ${name} to "${written}": expected ${expectation(row)}`, {
      hint: row.sentence,
    });
  if (row.type === 'integer') {
    const number = Number(bare);
    if (!/^\d{1,15}$/.test(bare) || number < row.min || number > row.max) throw refuse();
    return number;
  }
  if (row.type === 'switch') {
    const isOn = /^(on|true|yes|1)$/i.test(bare);
    if (!isOn && !/^(off|false|no|0)$/i.test(bare)) throw refuse();
    return isOn;
  }
  if (row.type === 'choice') {
    const choice = row.choices.find((each) => each.toLowerCase() === bare.toLowerCase());
    if (choice === undefined) throw refuse();
    return choice;
  }
  if (/[\u0000-\u001f\u007f]/.test(bare)) throw refuse();
  if (bare !== '' && row.pattern?.test(bare) === false) throw refuse();
  return bare;
}

/** What a value of this row must be, in words. */
export function expectation(row: Row): string {
  if (row.type === 'integer')
    return `a whole number from ${row.min} to ${row.max}${row.unit ? ` (${row.unit})` : ''}`;
  if (row.type === 'switch') return 'on or off';
  if (row.type === 'choice') return `one of ${row.choices.join(', ')}`;
  return row.expected ?? 'text on one line';
}

/** A value as it is written: switches as on and off, empty text as two quotes. */
export function formatSetting(value: number | string | boolean): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return value === '' ? "''" : String(value);
}

/** Every setting at its default. */
export function defaultSettings(): Settings {
  return Object.fromEntries(SETTING_NAMES.map((name) => [name, SETTINGS[name].default])) as Settings;
}
