/** Inputs that once broke something, kept as files: `seeds/TARGET/DIGEST`. Each is tried again in every test run. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const SEEDS = resolve(import.meta.dirname, 'seeds');

/** The kept inputs of a target, by name. */
export function seedsOf(target: string): { name: string; input: Buffer }[] {
  try {
    return readdirSync(join(SEEDS, target)).map((name) => ({
      name,
      input: readFileSync(join(SEEDS, target, name)),
    }));
  } catch {
    return [];
  }
}

/** Keeps an input; returns where. */
export function keepSeed(target: string, input: Buffer): string {
  const path = join(SEEDS, target, createHash('sha256').update(input).digest('hex').slice(0, 16));
  mkdirSync(join(SEEDS, target), { recursive: true });
  writeFileSync(path, input);
  return path;
}
