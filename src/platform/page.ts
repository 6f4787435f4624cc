/** The fleet page and its files, as a browser is given them. */
import { asGweError } from '../errors.ts';
import { type Answer, statusLine, text } from './answer.ts';
import type { Call } from './context.ts';
import { compressed } from './page-compressed.ts';
import type { Page } from './page-files.ts';
import { pageHeaders } from './page-headers.ts';

let loaded: Promise<Page> | undefined;

/** The page, loaded when it is first asked for. One that could not be loaded is tried again. */
async function loadedPage(): Promise<Page> {
  loaded ??= import('./page-files.ts').then(({ loadPage }) => loadPage());
  try {
    return await loaded;
  } catch (error) {
    loaded = undefined;
    throw error;
  }
}

/** `GET /`. */
export async function page(call: Call): Promise<Answer> {
  try {
    const { html } = await loadedPage();
    return await fileAnswer(call, { type: 'text/html; charset=utf-8', text: html }, 'no-cache');
  } catch (thrown) {
    const { message, hint } = asGweError(thrown);
    call.platform.log.error(message);
    return { ...text(`${message}\n${hint ?? ''}\n`), status: 503 };
  }
}

/** `GET /page/FILE`: named by its contents, so a browser never needs to ask again. */
export async function pageFile(call: Call): Promise<Answer> {
  const file = (await loadedPage()).files.find(({ name }) => name === call.params['name']);
  if (file === undefined) return statusLine(404);
  return fileAnswer(call, file, 'public, max-age=31536000, immutable');
}

async function fileAnswer(
  { request }: Call,
  file: { type: string; text: string },
  keep: string,
): Promise<Answer> {
  const { encoding, body } = await compressed(file.text, request.header('accept-encoding') ?? '');
  return {
    status: 200,
    headers: [
      ['Content-Type', file.type],
      ['Cache-Control', keep],
      ...(encoding === undefined ? [] : [['Content-Encoding', encoding] as const]),
      ['Vary', 'Accept-Encoding'],
      ...pageHeaders(request),
    ],
    body,
  };
}
