import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CAUSE_CODES, CAUSES, type CauseCode } from '../../src/cli/cause-table.ts';
import { causes } from '../../src/cli/causes.ts';
import type { GatewayState } from '../../src/cli/gateway-state.ts';
import { statusText, statusValue } from '../../src/cli/status.ts';
import { whyJson, whyText } from '../../src/cli/why.ts';
import { defaultSettings } from '../../src/config/settings.ts';
import { type EngineState, type KeptEnd, withEnd } from '../../src/engine/state.ts';
import { type ErrorCode, GweError } from '../../src/errors.ts';
import { takeLock } from '../../src/host/lock.ts';
import { openApps } from '../../src/installer/apps.ts';
import { openJournal } from '../../src/installer/journal.ts';
import type { JournalEntry, JournalItem } from '../../src/installer/journal-format.ts';
import type { Phase } from '../../src/installer/phases.ts';
import { scratchMachine } from './call.ts';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');
const MINUTE_MS = 60_000;

function engine(changes: Partial<EngineState> = {}): EngineState {
  return {
    layout: 1,
    version: '1.0.0',
    serial: 'SN',
    platform: 'https://p.m2.exosite.io',
    started_ms: NOW_MS - 1000,
    updateInterval_s: 43_200,
    consecutiveFailures: 0,
    lastCheckIn: { time_ms: NOW_MS - MINUTE_MS, ok: true },
    lastComplete_ms: NOW_MS - MINUTE_MS,
    next: { time_ms: NOW_MS + 60 * MINUTE_MS, reason: 'interval' },
    supervisor: { ok: true },
    ...changes,
  };
}

function gateway(changes: Partial<GatewayState> = {}): GatewayState {
  return {
    now_ms: NOW_MS,
    identity: { vendor: 'P', model: 'P', serial: 'SN' },
    isActivated: true,
    platform: 'https://p.m2.exosite.io',
    settings: defaultSettings(),
    problems: [],
    engine_pid: 42,
    engine: engine(),
    instructions: [],
    damaged: [],
    downloaded_bytes: {},
    apps: [],
    waitingReports: 0,
    isTrial: false,
    ...changes,
  };
}

function item(phase: Phase, changes: Partial<JournalItem> = {}): JournalItem {
  const name = { file: 'app.v2.tar.gz', app: 'app', version: '2' };
  return { name, phase, since_ms: NOW_MS - 12_000, spent_ms: 0, attempt: 1, rollbacks: 0, ...changes };
}

function doing(...items: JournalItem[]): GatewayState {
  const entry: JournalEntry = {
    id: '00000001-a',
    text: '{}',
    received_ms: NOW_MS - MINUTE_MS,
    clearing: 'acknowledged',
    items,
  };
  return gateway({ instructions: [entry] });
}

const failedCheckIn = (code: ErrorCode, message = `Cannot reach the platform: ${code}`) =>
  gateway({
    engine: engine({
      lastCheckIn: { time_ms: NOW_MS - 1000, ok: false, code, message },
      consecutiveFailures: 3,
      next: { time_ms: NOW_MS + 30_000, reason: code === 'conflict' ? 'activation' : 'backoff' },
    }),
  });

const trouble = (kind: string, code: string, why: string) => ({
  kind,
  code,
  why,
  since_ms: NOW_MS,
  told: 1,
  key: 'k',
});
const ended = (end: Partial<KeptEnd>) =>
  gateway({
    engine: engine({
      lastEnds: [
        {
          name: 'app.v2.tar.gz',
          app: 'app',
          version: '2',
          outcome: 'failed',
          time_ms: NOW_MS - 5000,
          ...end,
        },
      ],
    }),
  });

const DIGEST = 'd'.repeat(64);
const quarantined = (): GatewayState => ({
  ...ended({ why: 'install.sh ended with 1', digest: DIGEST, rolledBackTo: '1' }),
  apps: [{ app: 'app', quarantine: [{ sha256: DIGEST, version: '2', why: '', time_ms: NOW_MS }] }],
});

/** For each code: a gateway on which it holds, and what a person must be able to read. */
const CASES: Record<CauseCode, [state: GatewayState, words: RegExp]> = {
  'no-identity': [
    gateway({
      identity: undefined,
      problems: [
        new GweError('identity', 'Cannot tell which gateway this is', { hint: 'Run: gwe --set-uuid SERIAL' }),
      ],
    }),
    /gwe --set-uuid SERIAL/,
  ],
  'bad-config': [
    gateway({ problems: [new GweError('config', 'Cannot set install.timeout to "soon"')] }),
    /install\.timeout/,
  ],
  'bad-state': [gateway({ problems: [new GweError('io', 'EACCES: permission denied')] }), /EACCES/],
  'not-running': [
    gateway({ engine_pid: undefined }),
    /last check-in was 1 min ago.*supervisorctl start gwe/s,
  ],
  'clock-behind': [
    gateway({ now_ms: 1000, engine: engine({ timeFloor_ms: NOW_MS }) }),
    /clock shows 1970-01-01T00:00:01Z, but it was 2026-03-01T12:00:00Z before/,
  ],
  'tls-clock': [failedCheckIn('clock'), /Look at the clock/],
  dns: [failedCheckIn('dns'), /resolv\.conf/],
  offline: [failedCheckIn('offline'), /3 attempts in a row failed.*last complete check-in was 1 min ago/s],
  timeout: [failedCheckIn('timeout'), /engine\.request_timeout/],
  tls: [failedCheckIn('tls'), /security\.ca/],
  busy: [failedCheckIn('busy'), /see to the platform/],
  unauthorized: [failedCheckIn('unauthorized'), /gwe gateway enable/],
  'not-enabled': [failedCheckIn('conflict'), /gwe gateway enable/],
  unknown: [failedCheckIn('not-found'), /gwe gateway add/],
  'platform-refuses': [failedCheckIn('protocol'), /One Platform/],
  'machine-trouble': [failedCheckIn('io'), /permissions of the state folder/],
  'backing-off': [failedCheckIn('offline'), /at 2026-03-01T12:00:30Z, in 30 s/],
  'activation-retry': [failedCheckIn('conflict'), /in 30 s/],
  overdue: [
    gateway({ engine: engine({ next: { time_ms: NOW_MS - 11 * MINUTE_MS, reason: 'interval' } }) }),
    /11 min ago/,
  ],
  'malformed-instruction': [
    gateway({
      engine: engine({ lastMalformed: { time_ms: NOW_MS, text: 'engine_fetch is not JSON at 3' } }),
    }),
    /not JSON at 3.*"install"/s,
  ],
  'waiting-for-disk': [
    doing(item('announce', { trouble: trouble('disk', 'disk-full', 'needs 52 MB of disk, 11 MB are free') })),
    /needs 52 MB of disk, 11 MB are free/,
  ],
  'data-budget': [
    {
      ...doing(item('download', { trouble: trouble('budget', 'budget', 'the data budget is used up') })),
      budget: {
        day: { used_bytes: 4_900_000, limit_bytes: 5_000_000, resets_ms: NOW_MS + 720 * MINUTE_MS },
        reserve_bytes_per_day: 131_072,
        download_left_bytes: 0,
        download_resumes_ms: NOW_MS + 720 * MINUTE_MS,
      },
    },
    /4\.9 MB of 5 MB used today, until 2026-03-02T00:00:00Z; 131 kB a day kept for check-ins/,
  ],
  'waiting-to-download': [
    doing(item('download', { trouble: trouble('network', 'offline', 'the connection broke') })),
    /the connection broke/,
  ],
  interrupted: [
    { ...doing(item('script')), engine_pid: undefined },
    /cut off where gwe runs install\.sh; the next start goes on/,
  ],
  queued: [doing(item('script'), item('announce')), /app\.v2\.tar\.gz/],
  downloading: [
    {
      ...doing(item('download', { content: { size_bytes: 100_000_000, updated_s: 0 } })),
      downloaded_bytes: { 'app.v2.tar.gz': 37_500_000 },
    },
    /37 % \(38 MB of 100 MB\)/,
  ],
  unpacking: [doing(item('unpack')), /checking and unpacking, for 12 s/],
  'script-running': [
    doing(item('script', { attempt: 2 })),
    /install\.sh is running for 12 s \(attempt 2 of 3, at most 30 min\)/,
  ],
  'reboot-awaited': [doing(item('reboot')), /restart/],
  'no-supervisord': [
    gateway({ engine: engine({ supervisor: { ok: false, message: 'Cannot reach supervisord: ENOENT' } }) }),
    /ENOENT.*supervisor\.socket/s,
  ],
  'taking-up': [doing(item('supervise')), /supervisord is taking up/],
  'health-check': [doing(item('health')), /watched for 12 s, until it has stayed healthy for 10 s/],
  'rolling-back': [
    doing(item('rollback', { result: { outcome: 'failed', why: 'health.sh ended with 1' } })),
    /health\.sh ended with 1/,
  ],
  ending: [doing(item('report')), /written down/],
  'held-up': [
    doing(item('commit', { trouble: trouble('state', 'io', 'read-only file system') })),
    /read-only file system/,
  ],
  'rollback-failed': [ended({ why: 'x', rollbackFailed: '1' }), /v1 could not be brought back/],
  'rolled-back': [
    ended({ why: 'install.sh ended with 1', rolledBackTo: '1' }),
    /install\.sh ended with 1; v1 is back/,
  ],
  'install-failed': [ended({ why: 'install.sh ended with 9' }), /ended with 9; there is no earlier version/],
  signature: [
    ended({ outcome: 'discarded', check: 'signature', why: 'it is not signed' }),
    /not signed.*gwe sign/s,
  ],
  discarded: [
    ended({ outcome: 'discarded', check: 'gzip', why: 'wrong CRC' }),
    /gzip: wrong CRC.*--check-tarball/s,
  ],
  gone: [ended({ outcome: 'gone' }), /Upload it/],
  quarantined: [quarantined(), /dddddddddddd…/],
  'journal-damaged': [gateway({ damaged: ['00000002-b'] }), /00000002-b/],
  'self-update-trial': [gateway({ isTrial: true }), /trial/],
  'clearing-unacknowledged': [
    gateway({
      instructions: [{ id: 'x', text: '', received_ms: 0, clearing: 'pending', items: [item('ended')] }],
    }),
    /not acknowledged/,
  ],
  'reports-waiting': [gateway({ waitingReports: 7 }), /7 reports wait/],
  'first-check-in': [gateway({ engine: undefined }), /first check-in/],
  'interval-not-over': [gateway(), /at 2026-03-01T13:00:00Z, in 1 h\..*gwe --check-now/s],
};

for (const code of CAUSE_CODES) {
  test(`why says "${code}": ${CAUSES[code].sentence}`, () => {
    const [state, words] = CASES[code];
    const found = causes(state).filter((each) => each.code === code);
    assert.equal(found.length, 1, JSON.stringify(causes(state)));
    assert.equal(found[0]?.blocks, CAUSES[code].blocks);
    const shown = whyText(causes(state)).replace(/\s*\n +/g, ' ');
    assert.match(shown, words);
    assert.ok(shown.includes('→'));
  });
}

test('nothing holds up a gateway that has done all it was told', () => {
  const found = causes(gateway());
  assert.ok(!found.some(({ blocks }) => blocks));
  assert.match(whyText(found), /^Nothing holds this gateway up\./);
});

test('the most pressing cause comes first', () => {
  const codes = causes({ ...failedCheckIn('dns'), engine_pid: undefined, waitingReports: 1 }).map(
    ({ code }) => code,
  );
  assert.deepEqual(codes, ['not-running', 'dns', 'reports-waiting']);
});

test('what a failure was about is over when the application is under way again, or installed since', () => {
  const failed = ended({ why: 'x' });
  assert.ok(
    !causes({ ...failed, instructions: doing(item('download')).instructions }).some(
      ({ code }) => code === 'install-failed',
    ),
  );
  const lastEnds = withEnd(failed.engine?.lastEnds, {
    name: 'app.v3.tar.gz',
    app: 'app',
    version: '3',
    outcome: 'installed',
    time_ms: NOW_MS,
  });
  assert.equal(lastEnds.length, 1);
  assert.ok(!causes(gateway({ engine: engine({ lastEnds }) })).some(({ blocks }) => blocks));
});

test('a malformed instruction is over when a good one came after it', () => {
  const state = gateway({
    engine: engine({ lastMalformed: { time_ms: NOW_MS - 2 * MINUTE_MS, text: 'bad' } }),
  });
  assert.equal(causes(state)[0]?.code, 'malformed-instruction');
  assert.ok(
    !causes({ ...state, instructions: doing(item('download')).instructions }).some(
      ({ code }) => code === 'malformed-instruction',
    ),
  );
});

test('for programs there are the code, the words, and the time of the next attempt', () => {
  const value = JSON.parse(whyJson(NOW_MS, causes(failedCheckIn('dns'))));
  assert.equal(value.ok, false);
  assert.equal(value.next_ms, NOW_MS + 30_000);
  assert.equal(value.causes[0].code, 'dns');
  assert.match(value.causes[0].todo, /resolv/);
});

test('what others wrote cannot drive the terminal of whoever asks', () => {
  const state = ended({
    name: '\u001b[2J.tar.gz',
    outcome: 'discarded',
    check: 'name',
    why: 'bad\u001b]0;x\u0007\nname',
  });
  for (const text of [whyText(causes(state)), statusText(state)])
    assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(text));
});

test('status shows the gateway in one screen', () => {
  const good = {
    version: '1',
    file: 'app.v1.tar.gz',
    size_bytes: 1_200_000,
    sha256: DIGEST,
    installed_ms: NOW_MS - 3 * 24 * 60 * MINUTE_MS,
  };
  const last = { version: '2', outcome: 'failed', why: 'install.sh ended with 1', time_ms: NOW_MS } as const;
  const text = statusText({ ...doing(item('download')), apps: [{ app: 'app', good, last, quarantine: [] }] });
  assert.match(text, /gateway +SN, product P/);
  assert.match(text, /last check-in +2026-03-01T11:59:00Z, 1 min ago, complete/);
  assert.match(text, /next check-in +2026-03-01T13:00:00Z, in 1 h/);
  assert.match(text, /app +v1 +1\.2 MB, 3 d ago +v2 failed: install\.sh ended with 1/);
  assert.match(text, /app\.v2\.tar\.gz +downloading/);
});

test('status for programs is JSON of the same', () => {
  const value = JSON.parse(JSON.stringify(statusValue(doing(item('script')))));
  assert.deepEqual([value.serial, value.running, value.pid], ['SN', true, 42]);
  assert.equal(value.underWay[0].phase, 'script');
  assert.deepEqual(value.causes, [
    { code: 'script-running', subject: 'app.v2.tar.gz' },
    { code: 'interval-not-over' },
  ]);
});

test('why and status read the files of a gateway, and change none', async (t) => {
  const { call, places } = scratchMachine(t);
  await call(['-P', 'P', '-u', 'SN']);
  const never = await call(['why', '--json']);
  assert.deepEqual([never.status, JSON.parse(never.out).causes[0].code], [1, 'not-running']);
  assert.equal((await call(['status'])).status, 0);

  mkdirSync(places.state, { recursive: true });
  takeLock(places.lock);
  const now_ms = Date.now();
  writeFileSync(
    places.engine,
    JSON.stringify(engine({ next: { time_ms: now_ms + MINUTE_MS, reason: 'interval' } })),
  );
  const journal = openJournal(places.journal);
  journal.add({ text: 'x', items: [{ name: { file: 'app.v2.tar.gz', app: 'app', version: '2' } }] }, now_ms);
  openApps(places.apps).noteEnd('other', {
    version: '1',
    outcome: 'failed',
    why: 'it broke',
    time_ms: now_ms,
  });
  mkdirSync(places.outbox);
  writeFileSync(join(places.outbox, '00000001-fetch_status.json'), 'broken');
  const found = JSON.parse((await call(['why', '--json'])).out);
  assert.deepEqual(
    found.causes.map(({ code }: { code: string }) => code),
    ['downloading', 'install-failed', 'clearing-unacknowledged', 'reports-waiting', 'interval-not-over'],
  );
  assert.equal(JSON.parse((await call(['status', '--json'])).out).pid, process.pid);
});

test('a state folder that cannot be read is a cause, not a crash', async (t) => {
  const { call, places } = scratchMachine(t);
  await call(['-P', 'P', '-u', 'SN']);
  mkdirSync(places.engine, { recursive: true });
  const { status, out } = await call(['why', '--json']);
  assert.equal(status, 1);
  assert.ok(JSON.parse(out).causes.some(({ code }: { code: string }) => code === 'bad-state'));
});

test('once the gateway has no identity, why says what to run', async (t) => {
  const { call } = scratchMachine(t);
  assert.match((await call(['why'])).out, /no-identity\n.*\n.*gwe --set-product-id/);
});
