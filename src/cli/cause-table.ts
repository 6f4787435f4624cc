/**
 * What can stand between a gateway and the state that it was told to reach, as one table: a stable code, what it means,
 * what to do. `gwe why` and its documentation derive from these rows; which of them hold is found in causes.ts.
 */

interface CauseRow {
  /** What the code means, for the reference. */
  readonly sentence: string;
  /** What a person should do about it. */
  readonly todo: string;
  /** Whether something that was asked for is held up by it; else it is only worth knowing. */
  readonly blocks: boolean;
}

const cause = (sentence: string, todo: string): CauseRow => ({ sentence, todo, blocks: true });
const remark = (sentence: string, todo: string): CauseRow => ({ sentence, todo, blocks: false });
const NONE = 'Nothing; it goes on by itself.';

/** Every cause, the most pressing first. */
export const CAUSES = {
  'no-identity': cause(
    'It is not set which gateway this is.',
    'Run: gwe --set-product-id PRODUCT_ID, and gwe --set-uuid SERIAL or gwe --set-iface IFACE',
  ),
  'bad-config': cause(
    'A configuration file holds something that cannot be used.',
    'Correct it: gwe config set SECTION.KEY VALUE',
  ),
  'bad-state': cause(
    'Something in the state folder cannot be read.',
    'See that the folder belongs to the user of the engine and that its disk is whole; run gwe why as that user',
  ),
  'not-running': cause('No engine runs.', 'Start it: supervisorctl start gwe; or check in once: gwe --once'),
  'clock-behind': cause(
    'The clock shows a time that has passed before: certificates may look not yet valid.',
    'Set the clock, and have it kept by ntp',
  ),
  'tls-clock': cause(
    "The platform's certificate is not valid at the time that the clock of this gateway shows.",
    'Look at the clock (date), set it, and have it kept by ntp',
  ),
  dns: cause(
    "The platform's name cannot be resolved.",
    'Look at /etc/resolv.conf and the name in gwe config get engine.server',
  ),
  offline: cause(
    'The platform cannot be reached, or connections to it break.',
    'Look at the network, the proxy and the firewall',
  ),
  timeout: cause(
    'The platform does not answer in time.',
    'Look at the network; on a slow one: gwe config set engine.request_timeout SECONDS',
  ),
  tls: cause(
    "The platform's certificate is not trusted.",
    'Name the authority that issued it: gwe config set security.ca FILE',
  ),
  busy: cause('The platform is there but cannot answer now.', 'Nothing here; see to the platform'),
  unauthorized: cause(
    "The platform does not accept this gateway's key.",
    'Enable it once more: gwe gateway enable SERIAL, or in the web interface of Exosite',
  ),
  'not-enabled': cause(
    'The platform does not let this gateway activate: it is not enabled, or was activated before.',
    'Enable it: gwe gateway enable SERIAL, or in the web interface of Exosite',
  ),
  unknown: cause(
    'The platform does not know this serial or product.',
    'Add it: gwe gateway add SERIAL; or correct it: gwe --gateway-cfg shows what is set',
  ),
  'platform-refuses': cause(
    'The platform answers in a way that asking again does not help.',
    'See that gwe config get engine.server is a One Platform; the log of the engine has the answer',
  ),
  'machine-trouble': cause(
    'The last check-in failed on this machine itself.',
    'Look at the disk and the permissions of the state folder',
  ),
  'backing-off': cause(
    'The last check-in failed; the next attempt waits a while, so as not to add to the trouble.',
    'Wait, or try at once: gwe --check-now',
  ),
  'activation-retry': cause(
    'The next attempt to activate waits for its interval.',
    'Wait, or try at once: gwe --check-now',
  ),
  overdue: cause(
    'The next check-in should have been long ago.',
    'See the log of the engine; restart it: supervisorctl restart gwe',
  ),
  'malformed-instruction': cause(
    'What was last written to engine_fetch or update_interval could not be understood, and nothing of it was done.',
    'Write it again: engine_fetch as {"install": [{"name": "APP.vVERSION.tar.gz"}]}, update_interval as a number of seconds',
  ),
  'waiting-for-disk': cause(
    'There is too little room on the disk for what is to be installed.',
    'Free some disk space; it is tried again at each check-in',
  ),
  'data-budget': cause(
    'What is to be moved does not fit into the data budget before it begins again.',
    'Wait; or raise it: gwe config set budget.bytes_per_day BYTES (bytes_per_month), then gwe --check-now',
  ),
  'waiting-to-download': cause(
    'The download is held up.',
    'It goes on at its byte as soon as the platform can be reached',
  ),
  interrupted: cause(
    'An install was cut off.',
    'Start the engine: supervisorctl start gwe; the install goes on by itself',
  ),
  queued: cause('It is its turn after what is before it.', NONE),
  downloading: cause('The tarball is being downloaded.', NONE),
  unpacking: cause('The tarball is being checked and unpacked.', NONE),
  'script-running': cause('install.sh is running.', NONE),
  'reboot-awaited': cause(
    'install.sh asked for a restart of the gateway.',
    'Reboot the gateway, if it does not do so by itself',
  ),
  'no-supervisord': cause(
    'supervisord cannot be reached, so programs of applications are not taken up.',
    'Start supervisord; or name its socket: gwe config set supervisor.socket FILE',
  ),
  'taking-up': cause('supervisord is being told of the program.', NONE),
  'health-check': cause('The new version is being watched until it has proved healthy.', NONE),
  'rolling-back': cause('The new version failed; the old one is being put back.', NONE),
  ending: cause('How it ended is being written down.', NONE),
  'held-up': cause(
    'A step of an install could not be done yet.',
    'See the reason; it is tried again at each check-in',
  ),
  'rollback-failed': cause(
    'The new version failed, and the last good one could not be brought back.',
    'Read the output in fetch_status; look at the application on the gateway; install a version that works',
  ),
  'rolled-back': cause(
    'The new version failed and was taken back.',
    'Read its output in fetch_status; then write the instruction again, or a newer version',
  ),
  'install-failed': cause(
    'The install failed, and there was no earlier version to go back to.',
    'Read its output in fetch_status; then write the instruction again, or a newer version',
  ),
  signature: cause(
    'The tarball was not signed as this gateway asks.',
    'Sign it: gwe sign FILE, with a key whose public half lies in keys/ of the configuration; upload both; write the instruction again',
  ),
  discarded: cause(
    'The tarball failed a check, and nothing of it was run.',
    'Correct the tarball (gwe --check-tarball FILE), upload it, write the instruction again',
  ),
  gone: cause('The Content Area has no such tarball.', 'Upload it, then write the instruction again'),
  quarantined: cause(
    'This very content failed before, and is not tried again by itself.',
    'Write the instruction again to try it all the same, or upload a corrected version',
  ),
  'journal-damaged': remark(
    'A journal file cannot be read; it is reported and put aside at the next check-in.',
    'Look at the disk; write the instruction again',
  ),
  'self-update-trial': remark('A new gwe is on trial until it has completed a check-in.', NONE),
  'clearing-unacknowledged': remark(
    'The platform has not acknowledged that the instruction was taken; it is not run twice.',
    NONE,
  ),
  'reports-waiting': remark('Reports wait to be sent; they are kept in order.', NONE),
  'first-check-in': remark('The engine has not ended its first check-in yet.', NONE),
  'interval-not-over': remark(
    'All that is known here is done; what was written since is seen at the next check-in.',
    'Wait, or check in at once: gwe --check-now',
  ),
} as const satisfies Record<string, CauseRow>;

export type CauseCode = keyof typeof CAUSES;

/** All codes, the most pressing first. */
export const CAUSE_CODES = Object.keys(CAUSES) as CauseCode[];

/** A cause that holds. */
export interface Cause {
  code: CauseCode;
  /** What it is about: a tarball, an application, a file. */
  subject?: string;
  /** What was found, with figures. */
  what: string;
  todo: string;
  /** Whether something that was asked for is held up by it. */
  blocks: boolean;
  /** When it is tried again or known more, if that can be told. */
  next_ms?: number;
}

/** The cause of that code, with what was found. */
export function causeOf(
  code: CauseCode,
  found: { what?: string; subject?: string; todo?: string; next_ms?: number } = {},
): Cause {
  const row: CauseRow = CAUSES[code];
  const { what = row.sentence, todo = row.todo, ...rest } = found;
  return { code, what, todo, blocks: row.blocks, ...rest };
}
