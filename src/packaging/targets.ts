/** What is built: the architectures, and where things lie in a checkout. Leaves the building to build.ts. */
import { join, resolve } from 'node:path';

/** Architectures by the names that Node.js gives them. */
export const ARCHITECTURES = ['x64', 'arm64'] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** The checkout. */
export const ROOT = resolve(import.meta.dirname, '../..');
/** What the build keeps between two runs; may be removed at any time. */
export const CACHE = join(ROOT, '.build-cache');
/** What the build makes. */
export const DIST = join(ROOT, 'dist');

/** Name of the single file for an architecture. */
export const singleFile = (arch: Architecture): string => `gwe-linux-${arch}`;

/** Whether `text` names one of the architectures. */
export function isArchitecture(text: string): text is Architecture {
  return ARCHITECTURES.some((arch) => arch === text);
}
