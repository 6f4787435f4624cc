/**
 * The way of one tarball through the gateway, as one table. Each transition is durable before the next phase acts, unless
 * what it says would be found out again, and a start after a crash enters the phase that lies on disk: there is no other
 * recovery. What a phase does is in work.ts.
 */

interface PhaseRow {
  /** What happens in it, for people. */
  readonly sentence: string;
  /** Where it may lead. */
  readonly next: readonly string[];
  /**
   * Where a failure of the phase itself (not of the network, not a full disk) leads. Without: the phase cannot be given
   * up, because what it writes down is already true; it is tried again.
   */
  readonly failsTo?: string;
  /** What takes back what was done by the end of it: nothing is there; its files are swept; the old version is put back. */
  readonly undo: 'nothing' | 'sweep' | 'roll back';
  /** Where a start goes on that finds this phase on disk and did not bring it there itself. */
  readonly resumesAt: string;
  /**
   * Phases from which the way into this one need not reach the disk, because a start that finds the former phase does
   * again what is lost, and nobody can tell: see `surenessOf`. Each sync is a write of the flash, and time.
   */
  readonly seenFrom?: readonly string[];
  readonly heldFrom?: readonly string[];
}

/** In the order in which a good install goes through them. */
export const PHASES = {
  announce: {
    sentence: 'asks the Content Area for sizes, and sees whether there is room',
    // An install.sh that was begun is never just left: what fails after that leads to the way back, from here too.
    next: ['download', 'rollback', 'report'],
    failsTo: 'report',
    undo: 'nothing',
    resumesAt: 'announce',
  },
  download: {
    sentence: 'downloads, going on at the byte where it was cut',
    next: ['announce', 'unpack', 'rollback', 'report'],
    failsTo: 'report',
    undo: 'sweep',
    resumesAt: 'download',
    // What was announced is asked again, and the part knows whose it is.
    seenFrom: ['announce'],
  },
  unpack: {
    sentence: 'checks the signature and the tarball, and unpacks it',
    next: ['announce', 'script', 'rollback', 'report'],
    failsTo: 'report',
    undo: 'sweep',
    resumesAt: 'unpack',
    // A download that is complete is found to be.
    heldFrom: ['download'],
  },
  script: {
    sentence: 'runs install.sh',
    next: ['unpack', 'reboot', 'supervise', 'health', 'commit', 'rollback'],
    failsTo: 'rollback',
    undo: 'roll back',
    // In a fresh folder: whatever an interrupted run did to its own is gone.
    resumesAt: 'unpack',
  },
  reboot: {
    sentence: 'waits for the start that install.sh asked for',
    next: ['unpack', 'rollback'],
    failsTo: 'rollback',
    undo: 'roll back',
    resumesAt: 'reboot',
  },
  supervise: {
    sentence: 'has supervisord take up the program',
    next: ['health', 'rollback'],
    failsTo: 'rollback',
    undo: 'roll back',
    resumesAt: 'supervise',
  },
  health: {
    sentence: 'watches whether the new version is healthy',
    next: ['commit', 'rollback'],
    failsTo: 'rollback',
    undo: 'roll back',
    resumesAt: 'health',
    // The same program is taken up again.
    seenFrom: ['supervise'],
  },
  commit: {
    sentence: 'keeps the tarball as the last good one',
    next: ['report'],
    undo: 'nothing',
    resumesAt: 'commit',
  },
  rollback: {
    sentence: 'goes back to the last good version',
    next: ['report'],
    failsTo: 'report',
    undo: 'nothing',
    resumesAt: 'rollback',
  },
  report: {
    sentence: 'writes down how it ended',
    next: ['ended'],
    undo: 'nothing',
    resumesAt: 'report',
    // What is committed can be committed again.
    heldFrom: ['commit'],
  },
  ended: {
    sentence: 'is over',
    next: [],
    undo: 'nothing',
    resumesAt: 'ended',
  },
} as const satisfies Record<string, PhaseRow>;

export type Phase = keyof typeof PHASES;

/** All phases, in order. */
export const PHASE_NAMES = Object.keys(PHASES) as Phase[];

/** Whether `text` names a phase. */
export function isPhase(text: unknown): text is Phase {
  return typeof text === 'string' && Object.hasOwn(PHASES, text);
}

/** The phases that `phase` may lead to. */
export function nextOf(phase: Phase): readonly Phase[] {
  return PHASES[phase].next;
}

/**
 * How sure the way from one phase to the next must be before the next one acts: `durable`; `seen`, whoever reads the
 * journal finds it there, and after a power cut perhaps the former phase; `held`, in this process only.
 */
export function surenessOf(from: Phase, to: Phase): 'durable' | 'seen' | 'held' {
  const row: PhaseRow = PHASES[to];
  if (row.heldFrom?.includes(from)) return 'held';
  return row.seenFrom?.includes(from) ? 'seen' : 'durable';
}

/** Where a failure of `phase` leads, or `undefined` when the phase is to be tried again. */
export function failureOf(phase: Phase): Phase | undefined {
  const row: PhaseRow & { failsTo?: Phase } = PHASES[phase];
  return row.failsTo;
}

/** Whether `phase` comes before anything of the gateway (but gwe's own folders) was touched. */
export function isBeforeScript(phase: Phase): boolean {
  return PHASE_NAMES.indexOf(phase) < PHASE_NAMES.indexOf('script');
}
