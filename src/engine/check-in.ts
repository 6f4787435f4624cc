/** The check-in: three reports out, two aliases in, in one request. */
import { asGweError } from '../errors.ts';
import { attempt } from '../host/log.ts';
import { thisStart } from '../installer/installer.ts';
import { ensureActivated, forgetActivation } from './activation.ts';
import { reportsWithEssence } from './current-reports.ts';
import type { Engine } from './engine.ts';
import { asFarAsItFits, sendReports } from './report.ts';
import { chooseReports, digestOf, type SentReports } from './report-detail.ts';

/** What the platform says to a gateway; an alias that is empty or unknown is ''. */
export interface CheckInAnswer {
  engine_fetch: string;
  update_interval: string;
}

/**
 * Sends usage_report, device_info and engine_report and reads engine_fetch and update_interval: the hybrid write/read of
 * the One Platform device API. What the outbox still holds goes first, in order. A key that is no longer accepted is
 * replaced by activating again, once. Raises the client's errors; the usage report of a failed check-in is kept.
 */
export async function checkIn(engine: Engine): Promise<CheckInAnswer> {
  try {
    await asFarAsItFits(engine.log, () => sendReports(engine));
    return await exchange(engine);
  } catch (thrown) {
    const error = asGweError(thrown);
    if (error.code === 'budget') throw thrown;
    if (error.code !== 'unauthorized') throw keepUsage(engine, thrown);
    forgetActivation(engine, error);
    await ensureActivated(engine);
    return await exchange(engine);
  }
}

async function exchange(engine: Engine): Promise<CheckInAnswer> {
  const { values: written, after } = await reportsToSend(engine);
  const values = await engine.client.writeRead(engine.cik ?? '', written, [
    'engine_fetch',
    'update_interval',
  ]);
  engine.state.sentReports = after;
  return { engine_fetch: values['engine_fetch'] ?? '', update_interval: values['update_interval'] ?? '' };
}

/** All three reports, or with reports.detail = changed those that have changed; and what is known once they have arrived. */
async function reportsToSend(
  engine: Engine,
): Promise<{ values: Record<string, string>; after: SentReports | undefined }> {
  const { reports, essence } = await reportsWithEssence(engine);
  if (engine.settings['reports.detail'] === 'full') return { values: { ...reports }, after: undefined };
  const to = digestOf(`${engine.state.platform} ${engine.cik} ${thisStart().boot}`);
  const every = engine.settings['reports.digest_every'];
  return chooseReports(reports, essence(), engine.state.sentReports, { to, every });
}

/** Puts the usage of a check-in that did not get through into the outbox, at most once an interval: it is a number of the past. */
function keepUsage(engine: Engine, thrown: unknown): unknown {
  const now_ms = engine.context.clock.now();
  const last_ms = engine.state.lastUsageKept_ms ?? 0;
  if (Math.abs(now_ms - last_ms) < engine.updateInterval_s * 1000) return thrown;
  engine.state.lastUsageKept_ms = now_ms;
  const entry = { alias: 'usage_report', value: engine.usage.report(), time_ms: now_ms };
  attempt(engine.log, () => engine.outbox.add({ id: `usage-${now_ms}`, ...entry }));
  return thrown;
}
