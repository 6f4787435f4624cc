/**
 * The self-test that a new gwe must pass before it takes the old one's name: it opens configuration and state, makes a report,
 * and reaches supervisord and the platform. It changes nothing.
 */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { explain } from '../errors.ts';
import { currentReports } from './current-reports.ts';
import type { Engine, EngineContext } from './engine.ts';
import { canHibernate } from './hibernate.ts';
import { openEngine } from './open-engine.ts';

export interface TestedPoint {
  what: string;
  /** Why it failed; `undefined` = passed. */
  failure?: string;
}

/** Runs every point of the self-test, in order, and tells `onPoint` of each. Returns whether all passed. */
export async function selfTest(
  context: EngineContext,
  onPoint: (point: TestedPoint) => void,
): Promise<boolean> {
  let passed = true;
  const point = async (what: string, act: () => unknown): Promise<void> => {
    try {
      await act();
      onPoint({ what });
    } catch (error) {
      passed = false;
      onPoint({ what, failure: explain(error) });
    }
  };
  let engine: Engine | undefined;
  await point('opens the configuration and the state', async () => {
    engine = await openEngine(context);
    checkState(context);
  });
  if (engine === undefined) return false;
  const opened = engine;
  await point('can hibernate', () => {
    if (!canHibernate()) throw new Error('this build has no execve');
  });
  await point('makes the reports', () => currentReports(opened));
  const socket = opened.settings['supervisor.socket'];
  if (existsSync(socket)) await point('reaches supervisord', () => opened.supervisor.processes());
  await point('reaches the platform', () => opened.client.timestamp());
  opened.close();
  return passed;
}

function checkState({ places }: EngineContext): void {
  if (!existsSync(places.state)) return;
  accessSync(places.state, constants.R_OK | constants.W_OK);
  readdirSync(places.state);
}
