/** The two shell scripts that are shipped, made whole: what they carry is kept where it belongs and put in here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { TRIAL_LINE } from '../engine/self-update.ts';

const read = (name: string): string => readFileSync(join(import.meta.dirname, name), 'utf8');

/** dist/install.sh: carries gwe.conf for supervisord. */
export function installScript(): string {
  return fill(read('install.sh'), '@GWE_CONF@', read('gwe.conf'));
}

/** install.sh of the tarball by which gwe updates gwe: carries the trial that the engine's shell makes of a new file. */
export function updateScript(): string {
  return fill(read('update.sh'), '@TRIAL@', TRIAL_LINE);
}

/** `text` with the line that consists of `mark` replaced. Raises an Error when there is none. */
function fill(text: string, mark: string, contents: string): string {
  const [before, after, ...more] = text.split(`\n${mark}\n`);
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`Cannot make a script: it has not exactly one line ${mark}`);
  }
  return `${before}\n${contents.trimEnd()}\n${after}`;
}
