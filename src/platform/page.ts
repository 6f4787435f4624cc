/** The fleet page and its files, as a browser is given them. */
import { type Answer, statusLine } from './answer.ts';
import type { Call } from './context.ts';
import { compressed } from './page-compressed.ts';
import type { Page } from './page-files.ts';
import { pageHeaders } from './page-headers.ts';
import type { PlatformRequest } from './request.ts';

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
export async function page({ request }: Call): Promise<Answer> {
  const { html } = await loadedPage();
  return textAnswer(request, html, 'text/html; charset=utf-8', 'no-cache');
}

/** `GET /page/NAME`: a file of the page, whose name changes with its contents. */
export async function pageFile({ request, params }: Call): Promise<Answer> {
  const { files } = await loadedPage();
  const file = files.find(({ name }) => name === params['name']);
  if (file === undefined) return statusLine(404);
  return textAnswer(request, file.text, file.type, 'public, max-age=31536000, immutable');
}

async function textAnswer(
  request: PlatformRequest,
  text: string,
  type: string,
  caching: string,
): Promise<Answer> {
  const { encoding, body } = await compressed(text, request.header('accept-encoding') ?? '');
  return {
    status: 200,
    headers: [
      ['Content-Type', type],
      ['Cache-Control', caching],
      ['Vary', 'Accept-Encoding'],
      ...(encoding === undefined ? [] : [['Content-Encoding', encoding] as const]),
      ...pageHeaders(request),
    ],
    body,
  };
}
