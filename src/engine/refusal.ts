/** Values of aliases that cannot be understood: each is answered in fetch_status, once for as long as it stands there. */
import { createHash } from 'node:crypto';
import type { GweError } from '../errors.ts';
import type { Engine } from './engine.ts';

/** Names the answer to `text`: two of the same name are one. */
const answerId = (alias: string, text: string): string =>
  `malformed-${alias}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;

/** Whether `text` was answered already, and has not been seen to go since. */
export function isRefused(engine: Engine, alias: string, text: string): boolean {
  return engine.state.refused?.[alias] === answerId(alias, text);
}

/** Answers a malformed value, unless that was done, and notes it for `gwe why`. */
export function refuse(engine: Engine, alias: string, text: string, error: GweError): void {
  if (isRefused(engine, alias, text)) return;
  const time_ms = engine.context.clock.now();
  const words = error.hint === undefined ? error.message : `${error.message}\n${error.hint}`;
  engine.log.warning(error.message);
  engine.outbox.add({ id: answerId(alias, text), alias: 'fetch_status', value: words, time_ms });
  engine.state.refused = { ...engine.state.refused, [alias]: answerId(alias, text) };
  engine.state.lastMalformed = { time_ms, text: error.message };
  engine.saveState('durably');
}

/** After a crash the outbox may hold an answer that engine.json does not know of; it is noted before the answer goes out. */
export function noteRefusals(engine: Engine): void {
  for (const { id } of engine.outbox.entries()) {
    const alias = id.match(/^malformed-(.+)-[0-9a-f]+$/)?.[1];
    if (alias === undefined || engine.state.refused?.[alias] === id) continue;
    engine.state.refused = { ...engine.state.refused, [alias]: id };
    engine.saveState('durably');
  }
}

/** The alias was seen without the value that was answered: the same text is a new command from now on. */
export function forgetRefused(engine: Engine, alias: string): void {
  if (engine.state.refused?.[alias] === undefined) return;
  const { [alias]: _, ...others } = engine.state.refused;
  engine.state.refused = others;
  engine.saveState('durably');
}
