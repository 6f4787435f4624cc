/** Calls gwe as main.ts does, in this process, with folders of its own and its output kept. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { CommandContext } from '../../src/cli/context.ts';
import { run } from '../../src/cli/run.ts';
import { findPlaces, type Places } from '../../src/config/places.ts';
import { systemClock } from '../../src/host/clock.ts';

export interface Called {
  status: number;
  out: string;
  err: string;
}

export interface Machine {
  folder: string;
  places: Places;
  call(
    argv: string[],
    changes?: Partial<CommandContext> & { name?: string; typed?: string },
  ): Promise<Called>;
}

/** A scratch machine: its folders are gone when the test ends. */
export function scratchMachine(t: TestContext): Machine {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-cli-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const env = {
    GWE_CONFIG_DIR: join(folder, 'config'),
    GWE_STATE_DIR: join(folder, 'state'),
    PATH: process.env['PATH'],
  };
  const places = findPlaces(env);
  return {
    folder,
    places,
    call: async (argv, { name = 'gwe', typed = '', ...changes } = {}) => {
      const called = { out: '', err: '' };
      const status = await run(argv, name, {
        env,
        out: (text) => {
          called.out += text;
        },
        err: (text) => {
          called.err += text;
        },
        isTerminal: false,
        clock: systemClock,
        places,
        signal: new AbortController().signal,
        executable: [process.execPath, join(import.meta.dirname, '../../src/main.ts')],
        input: Readable.from(typed === '' ? [] : [Buffer.from(typed)]),
        ...changes,
      });
      return { status, ...called };
    },
  };
}
