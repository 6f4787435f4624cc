/** What reads bytes from outside, each with inputs to start from and what must hold whatever the bytes are. */
import { archiveTargets } from './archive-targets.ts';
import { deltaTarget } from './delta-target.ts';
import { textTargets } from './text-targets.ts';

export interface Target {
  /** Also the name of its folder of seeds. */
  name: string;
  /** Good inputs, or nearly. */
  corpus: readonly Buffer[];
  /** Pieces that mean something in this format. */
  tokens: readonly string[];
  /** How many inputs a test run tries. */
  runs: number;
  /** Raises when something does not hold. */
  check(input: Buffer): void | Promise<void>;
}

export const targets: readonly Target[] = [...textTargets, ...archiveTargets, deltaTarget];
