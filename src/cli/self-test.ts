/** `--self-test`: prints each point of the engine's self-test as it is tried. */
import { selfTest as testAll } from '../engine/self-test.ts';
import type { CommandContext } from './context.ts';

/** Returns 0 when every point passed, else 1. */
export async function selfTest(context: CommandContext): Promise<number> {
  const passed = await testAll(context, ({ what, failure }) => {
    context.out(
      failure === undefined ? `[PASS] ${what}\n` : `[FAIL] ${what}: ${failure.replaceAll('\n', ' ')}\n`,
    );
  });
  return passed ? 0 : 1;
}
