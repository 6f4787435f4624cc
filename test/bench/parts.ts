/** The parts of the bench, in the order of the document. */
import { checkIn } from './check-in.ts';
import type { Part } from './part.ts';
import { rest } from './rest.ts';
import { start } from './start.ts';

export const PARTS: readonly Part[] = [rest, start, checkIn];
