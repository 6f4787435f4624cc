/** What a person fills in to start a rollout, and what the platform is sent for it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seenFilter } from '../../src/ui/last-seen.ts';
import { bodyOf, type Plan, planProblem } from '../../src/ui/rollout-plan.ts';
import { parseStages, stagesOf } from '../../src/ui/rollout-states.ts';
import type { Rollout } from '../../src/ui/types.ts';

const PLAN: Plan = {
  names: ['a.v1.tar.gz'],
  group: '',
  stages: '5%, 100%',
  cap: '',
  failLimit: '10',
  silentMinutes: '2',
  from: '',
  to: '',
  days: [],
  timezone: '',
  offlineDays: '7',
  name: '',
  dynamic: false,
};

test('what was left empty is left to the platform, minutes and days become its units', () => {
  const body = JSON.parse(JSON.stringify(bodyOf('P', PLAN, { state: ['late'], tag: 'beta' }, 1000)));
  assert.deepEqual(body, {
    product: 'P',
    names: ['a.v1.tar.gz'],
    stages: [{ percent: 5 }, { percent: 100 }],
    filter: { tags: ['beta'], states: ['late'] },
    failLimit_percent: 10,
    silentAfter_s: 120,
    offlineUntil: 1000 + 7 * 86_400_000,
  });
});

test('a name, a window by days in a time zone, and who may join are sent as they were filled in', () => {
  const filled = {
    ...PLAN,
    name: ' night ',
    from: '22:00',
    to: '04:00',
    days: [1, 0],
    timezone: 'Asia/Tokyo',
  };
  const body = bodyOf('P', { ...filled, dynamic: true }, { seenBefore: '2000' }, 1000);
  assert.equal(body['name'], 'night');
  assert.deepEqual(body['window'], { from: '22:00', to: '04:00', days: [1, 0], timezone: 'Asia/Tokyo' });
  assert.equal(body['dynamic'], true);
  assert.deepEqual(body['filter'], { seenBefore: 2000 });
});

test('"last seen" counts from the moment at which it is asked', () => {
  assert.deepEqual(seenFilter('not-24h', 100 * 3_600_000), { seenBefore: String(76 * 3_600_000) });
  assert.deepEqual(seenFilter('within-1h', 3_600_000), { seenAfter: '0' });
  assert.deepEqual([seenFilter(null, 1), seenFilter('yesterday', 1)], [{}, {}]);
});

test('a plan that cannot be started says what is missing', () => {
  assert.equal(planProblem(PLAN), undefined);
  assert.match(planProblem({ ...PLAN, names: [] }) ?? '', /what to install/);
  assert.match(planProblem({ ...PLAN, stages: 'some' }) ?? '', /5%, 25%, 100%/);
  assert.match(planProblem({ ...PLAN, from: '22:00' }) ?? '', /both ends/);
  assert.match(planProblem({ ...PLAN, days: [1] }) ?? '', /from when to when/);
});

test('steps are percent or numbers of gateways, and nothing else', () => {
  assert.deepEqual(parseStages('1, 10%; 100 %'), [{ count: 1 }, { percent: 10 }, { percent: 100 }]);
  for (const text of ['', '0', '120%', '1.5', 'all']) assert.equal(parseStages(text), undefined, text);
});

test('stages are shown with how many each of them adds, and the rest as a last one', () => {
  const rollout = { total: 200, stages: [{ count: 1 }, { percent: 10 }] };
  const whole: Rollout = {
    ...rollout,
    id: 1,
    name: '',
    product: 'P',
    names: [],
    cap: 1,
    failLimit_percent: 0,
    silentAfter_s: 0,
    state: 'running',
    stage: 0,
    created: 0,
    createdBy: '',
    changed: 0,
    counts: {},
  };
  assert.deepEqual(
    stagesOf(whole).map(({ size }) => size),
    [1, 19, 180],
  );
});
