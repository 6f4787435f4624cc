/** Reporting: what the outbox holds, and after an install how the gateway stands now. */

import { isRetryable } from '../client/errors.ts';
import { asGweError, explain } from '../errors.ts';
import type { Log } from '../host/log.ts';
import { currentReports } from './current-reports.ts';
import type { Engine } from './engine.ts';
import { sendOutbox } from './outbox.ts';
import { forgetSent } from './report-detail.ts';
import type { Turn } from './turn.ts';

/** Asking and writing, about. */
const REPORT_BYTES = 12 * 1024;

/** What it takes to send the outbox. */
type Sender = Pick<Engine, 'budget' | 'cik' | 'client' | 'log' | 'outbox'>;

/** Sends all that waits, and a fresh engine_report when this turn changed what is installed. Raises the client's errors. */
export async function report(engine: Engine, turn: Turn): Promise<void> {
  await asFarAsItFits(engine.log, () => reportAll(engine, turn));
}

/** What does not fit into the data budget stays in the outbox until it does; nothing failed. */
export async function asFarAsItFits(log: Log, send: () => Promise<void>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (asGweError(error).code !== 'budget') throw error;
    log.debug(explain(error));
  }
}

async function reportAll(engine: Engine, turn: Turn): Promise<void> {
  await sendReports(engine);
  if (!turn.worked) return;
  const { engine_report } = await currentReports(engine);
  engine.state.sentReports = forgetSent(engine.state.sentReports, 'engine_report');
  await engine.client.write(engine.cik ?? '', { engine_report });
}

/** Sends the outbox, oldest first; see `sendOutbox`. Raises the client's errors. */
export async function sendReports(engine: Sender): Promise<void> {
  const cik = engine.cik ?? '';
  const { budget, client, log } = engine;
  await sendOutbox(
    engine.outbox,
    {
      write: (alias, value) => client.write(cik, { [alias]: value }),
      record: (alias, time_s, value) => client.record(cik, { [alias]: [[time_s, value]] }),
      read: async (alias, next) => {
        // Asked in vain each time, it would cost what is kept for check-ins.
        budget?.require('report', REPORT_BYTES + next.length, `report ${alias}`);
        const { value, etag } = await client.readWithTag(cik, alias);
        return { value, tag: etag };
      },
      isRetryable: (error) => isRetryable(error) || error.code === 'budget',
    },
    (entry, error) =>
      log.error(`The platform refused a report for ${entry.alias} for good: ${error.message}`),
  );
}

/** As `sendReports`, where something else matters more: trouble is said and left for later. */
export async function trySendReports(engine: Sender): Promise<void> {
  if (engine.cik === undefined) return;
  try {
    await sendReports(engine);
  } catch (error) {
    engine.log.warning(`Reports wait in the outbox: ${asGweError(error).message}`);
  }
}
