/** The data budget's rules: what is left for whom, when it begins again, and that no clock makes it begin again and again, or never. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import fc from 'fast-check';
import { carriedBy, EXCHANGE_BYTES, grown, measured, onTheLine } from '../../src/engine/budget-count.ts';
import {
  isMeteredAt,
  localTime,
  meteredHours,
  meteredInterfaces,
  nextFreeHour,
} from '../../src/engine/budget-hours.ts';
import {
  advanced,
  beginsAgain_ms,
  type Ledger,
  leftFor,
  type Moment,
  newLedger,
  passed_ms,
  reserveOfDay,
  spent,
} from '../../src/engine/budget-rules.ts';

import { readLedger } from '../../src/engine/budget-view.ts';
import { RESUME_SPREAD_S, sleepAfter } from '../../src/engine/schedule.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MB = 1_000_000;
const NOON_MS = Date.parse('2026-03-10T12:00:00Z');

/** A machine with a clock that can be wrong: `now` is what it shows, `uptime_ms` what has passed since it was started. */
const at = (wall_ms: number, uptime_ms: number, boot = 'b1'): Moment => ({ wall_ms, uptime_ms, boot });
const look = (ledger: Ledger, now: Moment) => advanced(ledger, now, localTime(now.wall_ms));
const open = (now: Moment) => newLedger(now, localTime(now.wall_ms));
const limits = { day_bytes: 5 * MB, month_bytes: 0, reserve_bytes: 100_000 };

before(() => {
  process.env['TZ'] = 'UTC';
});

describe('a day that goes by as days do', () => {
  it('has its budget until midnight, and then the next day has its own', () => {
    const used = spent(open(at(NOON_MS, 0)), 4 * MB);
    const evening = look(used, at(NOON_MS + 11.9 * HOUR_MS, 11.9 * HOUR_MS));
    assert.equal(evening.day.used_bytes, 4 * MB);
    assert.equal(
      beginsAgain_ms(evening, 'day', localTime(evening.seen.wall_ms)),
      Date.parse('2026-03-11T00:00:00Z'),
    );
    const morning = look(evening, at(NOON_MS + 12.1 * HOUR_MS, 12.1 * HOUR_MS));
    assert.deepEqual([morning.day.label, morning.day.used_bytes], ['2026-03-11', 0]);
    assert.deepEqual([morning.month.label, morning.month.used_bytes], ['2026-03', 4 * MB]);
  });

  it('begins and ends by the local time of the gateway, also when clocks are put forward', () => {
    process.env['TZ'] = 'Europe/Berlin';
    try {
      const night = localTime(Date.parse('2026-03-28T23:30:00Z'));
      assert.deepEqual([night.day, night.daysAfter], ['2026-03-29', 2]);
      assert.equal(night.nextDay_ms, Date.parse('2026-03-29T22:00:00Z'));
      assert.equal(night.nextMonth_ms, Date.parse('2026-03-31T22:00:00Z'));
    } finally {
      process.env['TZ'] = 'UTC';
    }
  });

  it('gets its budget after a night without power, and after each of many short days', () => {
    let ledger = open(at(NOON_MS, 0));
    for (let day = 1; day <= 40; day += 1) {
      ledger = look(spent(ledger, MB), at(NOON_MS + day * DAY_MS, 60_000, `b${day + 1}`));
      assert.equal(ledger.day.used_bytes, 0, `day ${day}`);
    }
    assert.deepEqual([ledger.month.label, ledger.month.used_bytes], ['2026-04', 18 * MB]);
  });

  it('gets it just after midnight too when the one before was begun late', () => {
    let ledger = open(at(NOON_MS, 0));
    for (const hours of [35.9, 36.1, 60.1, 84.1]) {
      ledger = look(spent(ledger, MB), at(NOON_MS + hours * HOUR_MS, hours * HOUR_MS));
      assert.equal(ledger.day.used_bytes, 0, `after ${hours} h`);
    }
  });
});

describe('a clock that is wrong', () => {
  it('that is set back takes nothing away and gives nothing', () => {
    const used = spent(open(at(NOON_MS, 0)), 3 * MB);
    const back = look(used, at(NOON_MS - 3 * DAY_MS, HOUR_MS));
    assert.equal(back.day.used_bytes, 3 * MB);
    assert.equal(look(back, at(NOON_MS + HOUR_MS, 2 * HOUR_MS)).day.used_bytes, 3 * MB);
  });

  it('that shows 1970 after each start gives no budget for a start', () => {
    let ledger = spent(open(at(NOON_MS, 0)), 5 * MB);
    for (let start = 1; start <= 10; start += 1) {
      ledger = look(ledger, at(5000, 5000, `b${start + 1}`));
      assert.equal(ledger.day.used_bytes, 5 * MB, `start ${start}`);
      ledger = look(ledger, at(NOON_MS + start * 60_000, 20_000, `b${start + 1}`));
      assert.equal(ledger.day.used_bytes, 5 * MB, `set after start ${start}`);
    }
  });

  it('that stands still, or lay years ahead, does not lock the gateway: a day after, there is a budget', () => {
    const ahead = look(open(at(NOON_MS, 0)), at(NOON_MS + 4 * 365 * DAY_MS, HOUR_MS));
    const used = spent(ahead, 5 * MB);
    const right = look(used, at(NOON_MS + 2 * HOUR_MS, 2 * HOUR_MS));
    assert.equal(right.day.used_bytes, 5 * MB);
    const promised_ms = beginsAgain_ms(right, 'day', localTime(right.seen.wall_ms));
    assert.ok(promised_ms - right.seen.wall_ms <= 26 * HOUR_MS);
    const later = look(right, at(promised_ms, 2 * HOUR_MS + promised_ms - right.seen.wall_ms));
    assert.deepEqual([later.day.used_bytes, later.day.label], [0, localTime(promised_ms).day]);
    const still = look(spent(open(at(NOON_MS, 0)), MB), at(NOON_MS, 27 * HOUR_MS));
    assert.equal(still.day.used_bytes, 0);
  });

  it('that jumps as it likes never gives more than two budgets in 22 hours of a running machine', () => {
    const jumps = fc.array(fc.record({ wall_ms: fc.nat(4e12), passed_ms: fc.nat(2 * HOUR_MS) }), {
      minLength: 20,
      maxLength: 200,
    });
    fc.assert(
      fc.property(jumps, (steps) => {
        let ledger = open(at(NOON_MS, 0));
        let uptime_ms = 0;
        const begun_ms: number[] = [];
        for (const step of steps) {
          uptime_ms += step.passed_ms;
          ledger = look(spent(ledger, MB), at(step.wall_ms, uptime_ms));
          if (ledger.day.used_bytes === 0) begun_ms.push(uptime_ms);
        }
        for (const [index, begun] of begun_ms.entries()) {
          const third = begun_ms[index + 2];
          assert.ok(third === undefined || third - begun >= 22 * HOUR_MS, JSON.stringify(begun_ms));
        }
        // Nor does it take one away: none is older than a long day.
        assert.ok(uptime_ms - (begun_ms.at(-1) ?? 0) < 28 * HOUR_MS);
      }),
      { numRuns: 200 },
    );
  });

  it('is told truly: at the time that is named, and not before, the next day begins, whatever came before', () => {
    const jumps = fc.array(fc.record({ wall_ms: fc.nat(4e12), passed_ms: fc.nat(9 * HOUR_MS) }), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(jumps, (steps) => {
        let ledger = open(at(NOON_MS, 0));
        let uptime_ms = 0;
        for (const step of steps) {
          uptime_ms += step.passed_ms;
          ledger = look(ledger, at(step.wall_ms, uptime_ms));
        }
        ledger = spent(ledger, MB);
        const { wall_ms } = ledger.seen;
        const promised_ms = beginsAgain_ms(ledger, 'day', localTime(wall_ms));
        const used = (wait_ms: number) =>
          look(ledger, at(wall_ms + wait_ms, uptime_ms + wait_ms)).day.used_bytes;
        assert.equal(used(promised_ms - wall_ms), 0);
        assert.ok(promised_ms - wall_ms < 1000 || used(promised_ms - wall_ms - 1000) === MB);
      }),
      { numRuns: 300 },
    );
  });

  it('is not believed twice for the same time: up and down over restarts, only the highest counts', () => {
    const first = look(open(at(NOON_MS, 0)), at(NOON_MS + DAY_MS, 0, 'b2'));
    const down = look(first, at(NOON_MS, 10_000, 'b3'));
    assert.equal(passed_ms(down, at(NOON_MS + DAY_MS, 10_000, 'b4')), 10_000);
  });
});

describe('what is kept', () => {
  it('is read as it was written; anything else is no ledger, and a new one begins', () => {
    const ledger = { ...spent(open(at(NOON_MS, 5)), MB), way: { iface: 'wwan0', route: 'eth0' } };
    assert.deepEqual(readLedger(JSON.stringify({ hour: {}, budget: ledger })), ledger);
    const { day } = ledger;
    const others = [
      '',
      '{',
      '[]',
      'null',
      '{"budget":7}',
      JSON.stringify({ budget: { ...ledger, day: { ...day, used_bytes: -1 } } }),
      JSON.stringify({ budget: { ...ledger, day: { ...day, begun_ms: [1] } } }),
      JSON.stringify({ budget: { ...ledger, seen: {} } }),
      JSON.stringify({ budget: { ...ledger, counters: { wwan0: 'x' } } }),
      JSON.stringify({ budget: { ...ledger, way: 'wwan0' } }),
    ];
    for (const text of [...others, undefined]) assert.equal(readLedger(text), undefined, text);
  });
});

describe('what is left', () => {
  const used = (bytes: number) => spent(open(at(NOON_MS, 0)), bytes);
  const left = (purpose: 'check-in' | 'report' | 'download', ledger: Ledger, given = limits) =>
    leftFor(purpose, ledger, given, localTime(NOON_MS)).bytes;

  it('of a day: downloads leave the reserve, reports half of it, check-ins none', () => {
    assert.equal(left('download', used(4 * MB)), MB - 100_000);
    assert.equal(left('report', used(4 * MB)), MB - 50_000);
    assert.equal(left('check-in', used(4 * MB)), MB);
    assert.equal(left('check-in', used(9 * MB)), 0);
    assert.equal(left('download', used(9 * MB), { ...limits, day_bytes: 0 }), Number.POSITIVE_INFINITY);
  });

  it('of a month: the reserve of each day to come is kept, so that a gateway is never silent for weeks', () => {
    const month = { day_bytes: 0, month_bytes: 31 * MB, reserve_bytes: 100_000 };
    assert.equal(left('check-in', used(30 * MB), month), 0);
    assert.equal(left('check-in', used(28 * MB), month), 3 * MB - 21 * 100_000);
    assert.equal(left('download', used(28 * MB), month), 3 * MB - 22 * 100_000);
    const tomorrow = localTime(NOON_MS + DAY_MS);
    assert.equal(leftFor('check-in', used(28 * MB), month, tomorrow).bytes, 3 * MB - 20 * 100_000);
  });

  it('is bounded by the smaller of day and month; a small budget keeps a small reserve', () => {
    const both = { day_bytes: 5 * MB, month_bytes: 6 * MB, reserve_bytes: 0 };
    assert.equal(leftFor('download', used(4 * MB), both, localTime(NOON_MS)).span, 'day');
    assert.equal(
      leftFor('download', used(1.5 * MB), { ...both, month_bytes: 3 * MB }, localTime(NOON_MS)).span,
      'month',
    );
    assert.equal(reserveOfDay({ day_bytes: 100_000, month_bytes: 0, reserve_bytes: 131_072 }), 50_000);
  });
});

describe('the sleep of a gateway whose budget is used up', () => {
  const rhythm = { updateInterval_s: 43_200, jitter_percent: 0, activationRetry_s: 60, serial: 'gw-1' };
  const sleep = (resumes_s: number, mayCheckIn: boolean, updateInterval_s = 43_200) =>
    sleepAfter({ kind: 'budget', resumes_s, mayCheckIn }, { ...rhythm, updateInterval_s }, Math.random);

  it('ends when a download may go on, if that is before the next check-in; the fleet is spread', () => {
    const { sleep_s, reason } = sleep(3600, true);
    assert.equal(reason, 'budget');
    assert.ok(sleep_s >= 3600 && sleep_s <= 3600 + RESUME_SPREAD_S, String(sleep_s));
    assert.deepEqual(sleep(50_000, true), { sleep_s: 43_200, reason: 'interval' });
    assert.deepEqual(sleep(3600, true, 300), { sleep_s: 300, reason: 'interval' });
  });

  it('where even a check-in does not fit, lasts until it does, whatever the interval; never longer than an hour, never at once', () => {
    assert.ok(sleep(600, false, 60).sleep_s >= 600);
    assert.equal(sleep(20 * 86_400, false).sleep_s, 3600);
    assert.ok(sleep(0, false, 60).sleep_s >= 60);
  });
});

describe('what counts', () => {
  it('is what goes over metered interfaces', () => {
    const named = meteredInterfaces('wwan0, ppp*');
    assert.deepEqual(
      ['wwan0', 'ppp0', 'ppp12', 'wwan1', 'eth0'].map((name) => named(name)),
      [true, true, true, false, false],
    );
    const every = meteredInterfaces('');
    assert.deepEqual([every('eth0'), every('lo')], [true, false]);
  });

  it('is what is moved in metered hours; a download that waits goes on in the next free one', () => {
    const day = meteredHours('6-24');
    const time = (hour: number) => Date.parse('2026-03-10T00:30:00Z') + hour * HOUR_MS;
    assert.deepEqual(
      [isMeteredAt(day, time(5)), isMeteredAt(day, time(6)), isMeteredAt(day, time(23))],
      [false, true, true],
    );
    assert.equal(nextFreeHour(day, time(12)), Date.parse('2026-03-11T00:00:00Z'));
    const night = meteredHours('22-6,12-13');
    assert.deepEqual(
      [21, 22, 3, 6, 12].map((hour) => isMeteredAt(night, time(hour))),
      [false, true, true, false, true],
    );
    assert.equal(nextFreeHour(meteredHours(''), time(0)), undefined);
  });

  it('is what the interface counted, as far as that can have been gwe', () => {
    const own = { tcp_bytes: 100_000, exchanges: 1 };
    assert.equal(measured(own, 106_000), 106_000);
    assert.equal(measured(own, 90_000), 100_000, 'a counter that began anew');
    assert.equal(measured(own, 9 * MB), 154_096, 'others on the same interface');
    assert.equal(measured(own, undefined), onTheLine(own));
    assert.equal(grown(500, 700), 200);
    assert.equal(grown(500, 300), 300, 'it began anew');
    assert.equal(carriedBy(EXCHANGE_BYTES - 1), 0);
    assert.ok(onTheLine({ tcp_bytes: carriedBy(MB), exchanges: 1 }) <= MB);
  });
});
