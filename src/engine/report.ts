/** Reporting: what the outbox holds, and after an install how the gateway stands now. */

import { isRetryable } from '../client/errors.ts';
import { asGweError } from '../errors.ts';
import { currentReports } from './current-reports.ts';
import type { Engine } from './engine.ts';
import { sendOutbox } from './outbox.ts';
import type { Turn } from './turn.ts';

/** What it takes to send the outbox. */
type Sender = Pick<Engine, 'cik' | 'client' | 'log' | 'outbox'>;

/** Sends all that waits, and a fresh engine_report when this turn changed what is installed. Raises the client's errors. */
export async function report(engine: Engine, turn: Turn): Promise<void> {
  await sendReports(engine);
  if (!turn.worked) return;
  const { engine_report } = await currentReports(engine);
  await engine.client.write(engine.cik ?? '', { engine_report });
}

/** Sends the outbox, oldest first; see `sendOutbox`. Raises the client's errors. */
export async function sendReports(engine: Sender): Promise<void> {
  const cik = engine.cik ?? '';
  const { client, log } = engine;
  await sendOutbox(
    engine.outbox,
    {
      write: (alias, value) => client.write(cik, { [alias]: value }),
      record: (alias, time_s, value) => client.record(cik, { [alias]: [[time_s, value]] }),
      read: async (alias) => {
        const { value, etag } = await client.readWithTag(cik, alias);
        return { value, tag: etag };
      },
      isRetryable,
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
