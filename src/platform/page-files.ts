/**
 * Where the fleet page comes from. In the single file the build puts another module in the place of this one, which holds
 * the page as text; run from source, it is bundled at the first request, for who works on it.
 */
import { explain, GweError } from '../errors.ts';

export interface Page {
  html: string;
  files: readonly { name: string; type: string; text: string }[];
}

/** The page. Raises `busy` when it cannot be bundled: npm's packages are not there. */
export async function loadPage(): Promise<Page> {
  try {
    const { bundlePage } = await import('../packaging/page.ts');
    return (await bundlePage()).page;
  } catch (error) {
    throw new GweError('busy', `Cannot show the page: ${explain(error)}`, {
      cause: error,
      hint: 'Run: npm ci; or build the single file, which holds the page: npm run build',
    });
  }
}
