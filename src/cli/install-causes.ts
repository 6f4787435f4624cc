/** What holds up each tarball of the journal, and what became of those that did not end well: pure rules. */
import type { KeptEnd } from '../engine/state.ts';
import { type JournalItem, type Trouble, toFetch } from '../installer/journal-format.ts';
import { PHASES, type Phase } from '../installer/phases.ts';
import { formatDuration, formatSize } from '../reports/sizes.ts';
import { budgetInWords } from './budget-words.ts';
import { type Cause, type CauseCode, causeOf } from './cause-table.ts';
import { type GatewayState, nextAttempt } from './gateway-state.ts';

/** The causes of everything that was told to this gateway and is not as it was told. */
export function installCauses(state: GatewayState): Cause[] {
  const open = state.instructions.flatMap(({ items }) => items.filter(({ phase }) => phase !== 'ended'));
  const openApps = new Set(open.map(({ name }) => name.app));
  const unacknowledged = state.instructions.filter(({ clearing }) => clearing === 'pending');
  return [
    ...open.map((item, index) => itemCause(state, item, index === 0)),
    ...lastEnds(state)
      .filter(({ app }) => !openApps.has(app))
      .flatMap((end) => endCauses(state, end)),
    ...unacknowledged.map(({ id }) =>
      causeOf('clearing-unacknowledged', { subject: id, ...nextAttempt(state) }),
    ),
  ];
}

const PHASE_CAUSES: Readonly<Record<Phase, CauseCode>> = {
  announce: 'queued',
  download: 'downloading',
  unpack: 'unpacking',
  script: 'script-running',
  reboot: 'reboot-awaited',
  supervise: 'taking-up',
  health: 'health-check',
  commit: 'ending',
  rollback: 'rolling-back',
  report: 'ending',
  ended: 'ending',
};

function itemCause(state: GatewayState, item: JournalItem, isFirst: boolean): Cause {
  const subject = item.name.file;
  const { trouble, phase } = item;
  if (trouble?.kind === 'budget' && state.budget !== undefined) {
    const what = `It waits for the data budget; ${downloadInWords(state, item)}. ${budgetInWords(state.budget)}.`;
    return causeOf('data-budget', { subject, what, ...budgetResumes(state) });
  }
  if (trouble !== undefined) {
    return causeOf(troubleCode(trouble), { subject, what: `${trouble.why}.`, ...nextAttempt(state) });
  }
  if (state.engine_pid === undefined) {
    const what = `The install was cut off where gwe ${PHASES[phase].sentence}; the next start goes on from there.`;
    return causeOf('interrupted', { subject, what });
  }
  const code = PHASE_CAUSES[phase];
  const what = `${progressInWords(state, item)}.`;
  return causeOf(isFirst && code === 'queued' ? 'downloading' : code, { subject, what });
}

/** When a download that waits for the data budget goes on, where an engine runs that does so. */
function budgetResumes({ budget, engine_pid }: GatewayState): { next_ms?: number } {
  const next_ms = budget?.download_resumes_ms;
  return next_ms === undefined || engine_pid === undefined ? {} : { next_ms };
}

function troubleCode({ kind, code }: Trouble): CauseCode {
  if (kind === 'disk') return 'waiting-for-disk';
  if (kind === 'budget') return 'data-budget';
  if (kind === 'network') return 'waiting-to-download';
  if (kind === 'reboot') return 'reboot-awaited';
  return code === 'supervisor' ? 'no-supervisord' : 'held-up';
}

/** What is being done with a tarball, with figures: `downloading, 37 % (37 of 100 MB)`. */
export function progressInWords(state: GatewayState, item: JournalItem): string {
  const for_ = formatDuration(state.now_ms - item.since_ms);
  switch (item.phase) {
    case 'announce':
      return 'the Content Area is asked about it';
    case 'download':
      return `downloading${item.delta === undefined ? '' : ' a delta'}, ${downloadInWords(state, item)}`;
    case 'unpack':
      return `checking and unpacking, for ${for_}`;
    case 'script':
      return `install.sh is running for ${for_} (attempt ${item.attempt} of ${state.settings['install.max_attempts']}, at most ${formatDuration(state.settings['install.timeout'] * 1000)})`;
    case 'reboot':
      return `waiting for the restart that install.sh asked for, since ${for_}`;
    case 'supervise':
      return 'supervisord is taking up the program';
    case 'health':
      return `being watched for ${for_}, until it has stayed healthy for ${state.settings['install.health_window']} s`;
    case 'rollback':
      return `going back to the last good version, for ${for_}: ${item.result?.why ?? 'the new one failed'}`;
    default:
      return 'how it ended is being written down';
  }
}

function downloadInWords({ downloaded_bytes }: GatewayState, item: JournalItem): string {
  const done_bytes = downloaded_bytes[item.name.file] ?? 0;
  const { size_bytes: total_bytes } = toFetch(item);
  if (total_bytes === undefined || total_bytes === 0) return `${formatSize(done_bytes)} so far`;
  const percent = Math.min(100, Math.floor((done_bytes / total_bytes) * 100));
  return `${percent} % (${formatSize(done_bytes)} of ${formatSize(total_bytes)})`;
}

/** How the last attempts ended: what the engine kept of them, else what the record of the application says. */
export function lastEnds({ engine, apps }: GatewayState): KeptEnd[] {
  const kept = engine?.lastEnds ?? [];
  const known = new Set(kept.map(({ app }) => app));
  const recorded = apps.flatMap(({ app, good, last }): KeptEnd[] => {
    if (last === undefined || known.has(app)) return [];
    const { version, outcome, why, time_ms, sha256 } = last;
    const back = outcome === 'failed' && good !== undefined ? { rolledBackTo: good.version } : {};
    return [
      {
        name: `${app}.v${version}.tar.gz`,
        app,
        version,
        outcome,
        time_ms,
        ...back,
        ...(why && { why }),
        ...(sha256 && { digest: sha256 }),
      },
    ];
  });
  return [...kept, ...recorded];
}

/** What became of an attempt that did not end well, and whether its content is kept from being tried again. */
function endCauses({ apps }: GatewayState, end: KeptEnd): Cause[] {
  const found = endCause(end);
  if (found === undefined) return [];
  const quarantine = apps.find(({ app }) => app === end.app)?.quarantine ?? [];
  if (end.digest === undefined || !quarantine.some(({ sha256 }) => sha256 === end.digest)) return [found];
  const what = `The content ${end.digest.slice(0, 12)}… failed before, and is not tried again by itself.`;
  return [found, causeOf('quarantined', { subject: end.name, what })];
}

function endCause({
  name: subject,
  outcome,
  why = 'it is not known why',
  check,
  ...end
}: KeptEnd): Cause | undefined {
  switch (outcome) {
    case 'failed':
      if (end.rollbackFailed !== undefined) {
        const what = `It failed: ${why}; v${end.rollbackFailed} could not be brought back.`;
        return causeOf('rollback-failed', { subject, what });
      }
      if (end.rolledBackTo !== undefined) {
        return causeOf('rolled-back', { subject, what: `It failed: ${why}; v${end.rolledBackTo} is back.` });
      }
      return causeOf('install-failed', { subject, what: `It failed: ${why}; there is no earlier version.` });
    case 'discarded':
      return causeOf(check === 'signature' ? 'signature' : 'discarded', {
        subject,
        what: `It was discarded: ${check === undefined ? '' : `${check}: `}${why}.`,
      });
    case 'gone':
      return causeOf('gone', { subject });
    default:
      return undefined;
  }
}
