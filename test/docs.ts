/** `npm run docs`: writes the documents that are made from the tables. `test/cli/docs.test.ts` says when that was forgotten. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { manPage } from '../src/cli/man-page.ts';
import { commandLineReference, configurationReference } from '../src/cli/reference.ts';

/** Every document that is made, by its path. */
export function generatedDocuments(): ReadonlyArray<readonly [path: string, text: string]> {
  const folder = join(import.meta.dirname, '../docs');
  return [
    [join(folder, 'gwe.1'), manPage()],
    [join(folder, 'command-line.md'), commandLineReference()],
    [join(folder, 'config.md'), configurationReference()],
  ];
}

if (import.meta.main) {
  for (const [path, text] of generatedDocuments()) writeFileSync(path, text);
}
