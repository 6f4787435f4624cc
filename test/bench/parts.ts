/** The parts of the bench, in the order of the document. */
import { checkIn } from './check-in.ts';
import { delta, deltaOfGwe } from './delta.ts';
import { extract } from './extract.ts';
import { growth } from './growth.ts';
import { installs } from './install.ts';
import { life } from './life.ts';
import { memory } from './memory.ts';
import { outage } from './outage.ts';
import type { Part } from './part.ts';
import { platform } from './platform.ts';
import { rest } from './rest.ts';
import { scale } from './scale.ts';
import { size } from './size.ts';
import { small } from './small.ts';
import { start } from './start.ts';
import { wear } from './wear.ts';
import { wire } from './wire.ts';

export const PARTS: readonly Part[] = [
  rest,
  start,
  checkIn,
  ...installs,
  memory,
  wire,
  delta,
  deltaOfGwe,
  wear,
  size,
  growth,
  life,
  small,
  extract,
  platform,
  scale,
  outage,
];
