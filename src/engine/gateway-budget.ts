/** The data budget of this gateway, on its own clocks and counters, kept in usage.json. */
import type { Places } from '../config/places.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../host/clock.ts';
import { readIfThere } from '../host/files.ts';
import type { Log } from '../host/log.ts';
import { allCounters } from '../host/network.ts';
import { defaultInterface } from '../host/routes.ts';
import { thisStart } from '../installer/installer.ts';
import { type Budget, openBudget } from './budget.ts';
import type { Moment } from './budget-rules.ts';
import { type BudgetView, budgetView, readLedger } from './budget-view.ts';
import { openUsageBook, type UsageBook } from './usage-book.ts';

/** Opens the budget that the settings ask for, and the book that it is kept in. */
export function openGatewayBudget(
  places: Places,
  clock: Clock,
  settings: Settings,
  log: Log,
): { budget: Budget; usage: UsageBook } {
  const kept = readLedger(readIfThere(places.usage));
  const usage: UsageBook = openUsageBook(places, clock, () => ({ budget: budget.toKeep() }));
  const budget = openBudget(settings, kept, {
    moment: () => momentOf(clock),
    counters: allCounters,
    route: defaultInterface,
    save: () => usage.saveNow(log),
  });
  return { budget, usage };
}

/** How the budget stands, for any process that looks; `undefined` where none is set. */
export function readBudget(places: Places, clock: Clock, settings: Settings): BudgetView | undefined {
  return budgetView(settings, readLedger(readIfThere(places.usage)), momentOf(clock));
}

function momentOf(clock: Clock): Moment {
  const { boot, uptime_ms } = thisStart();
  return { wall_ms: clock.now(), boot: boot === 'unknown' ? '' : boot, uptime_ms };
}
