/** What the manual says beside the tables: examples, files, exit statuses, signals, environment. Help, man page and reference share it. */

/** A term and what it means. */
export type Entry = readonly [term: string, sentence: string];

export const TAGLINE = 'over-the-air updates for Linux gateways';

export const DESCRIPTION = [
  'Without a command and without flags gwe is the engine of a gateway: it checks in with its platform, installs the application tarballs that it is told to install, reports what came of it, and sleeps until the next check-in. supervisord starts it; on a terminal it runs in the foreground.',
  'Flags may stand together in one call. First every --set-… is carried out, and each file that was changed is printed; then what is asked for is printed; then what is asked for is done. When anything in the call is wrong, nothing is changed.',
];

export const USAGE: readonly Entry[] = [
  ['gwe', 'run the engine'],
  ['gwe [flags]', 'set this gateway up, look at it, or use the workbench'],
  ['gwe COMMAND [flags] …', 'one of the commands below; gwe COMMAND --help tells more'],
];

export const EXAMPLES: readonly Entry[] = [
  [
    'gwe --set-product-id P --set-uuid SN',
    'say which gateway this is (or --set-iface eth0: its MAC address)',
  ],
  ['gwe --set-server https://ota.example.com', "use a platform of one's own"],
  ['gwe --once', 'check in once and see what happens'],
  ['gwe why', 'find out what a gateway is waiting for'],
  ['gwe --build-app gwe-buildfile.json', "build an application's tarball"],
];

export const CLIENT_DESCRIPTION =
  'gdc is gwe called by another name: a small client for the data of a device, made for applications and their install.sh.';

export const EXIT_STATUSES: readonly Entry[] = [
  ['0', 'Done. For --once: the check-in is complete, and all that was asked for is installed.'],
  ['1', 'It could not be done. For --once: there was no complete check-in.'],
  ['2', 'Wrong usage or configuration; nothing was contacted.'],
  [
    '3',
    'A tarball, buildfile or instruction was refused by a check. For --once: the check-in is complete, but an instruction was malformed, a tarball was discarded, or an install failed.',
  ],
];

export const SIGNALS: readonly Entry[] = [
  [
    'TERM, INT',
    'Stop. A running install.sh is given up; the next start takes the install up where its journal says.',
  ],
  ['WINCH', 'Check in now; gwe --check-now sends it until the check-in is seen.'],
  ['HUP', 'Read the settings again and check in now.'],
];

export const ENVIRONMENT: readonly Entry[] = [
  ['GWE_CONFIG_DIR', 'Folder of the configuration, in place of the default one.'],
  ['GWE_STATE_DIR', 'Folder of the state, in place of the default one.'],
  ['HTTPS_PROXY, NO_PROXY', 'Proxy to use, unless security.proxy is set, and the hosts to reach without it.'],
];

/** Files under the two folders, each with its folder: c(onfiguration) or s(tate). */
export const FILES: ReadonlyArray<readonly [folder: 'config' | 'state', name: string, sentence: string]> = [
  [
    'config',
    'Gateway.cfg',
    'Who this gateway is: cik, model, vendor, uuid, iface. Only its owner may read it.',
  ],
  ['config', 'Engine.config', 'The settings that differ from their defaults; see gwe config list.'],
  [
    'config',
    'keys/*.pub',
    'Public keys whose signatures count; as soon as one lies there, tarballs must be signed.',
  ],
  ['state', 'journal/', 'Instructions that were taken on and not ended yet.'],
  ['state', 'downloads/', 'Tarballs under way.'],
  ['state', 'apps/', 'What is installed, and the last good tarball of each application.'],
  ['state', 'outbox/', 'Reports that could not be sent yet.'],
  ['state', 'engine.json', 'The last check-in and the next one.'],
];

/** Where the two folders are when nothing overrides them. */
export const FOLDERS: ReadonlyArray<
  readonly [folder: 'config' | 'state', asRoot: string, else_: string, override: string]
> = [
  ['config', '/etc/gwe', '$XDG_CONFIG_HOME/gwe', 'GWE_CONFIG_DIR'],
  ['state', '/var/lib/gwe', '$XDG_STATE_HOME/gwe', 'GWE_STATE_DIR'],
];
