/** Calls of the platform's JSON API from the browser: the session's cookie, the header against forgery, errors as values. */
import type { Check } from './types.ts';

const BASE = '/api/v1';

/** A call that did not succeed: what happened, and what to do about it. */
export class ApiError extends Error {
  readonly status: number;
  readonly hint: string | undefined;
  readonly checks: readonly Check[];

  constructor(status: number, message: string, hint?: string, checks: readonly Check[] = []) {
    super(message);
    this.status = status;
    this.hint = hint;
    this.checks = checks;
  }
}

const HINTS: Readonly<Record<number, string>> = {
  0: 'Is the platform running, and does the network reach it? The page tries again by itself.',
  401: 'Log in again.',
  403: 'Ask who runs this platform for a token with another role.',
  429: 'Wait a little, then try again.',
  503: 'The platform is busy; try again in some seconds.',
};

let onLoggedOut = (): void => {};

/** Says what is to be done when an answer shows that the session is over. */
export function whenLoggedOut(act: () => void): void {
  onLoggedOut = act;
}

/** Path segments, encoded, below /api/v1. */
export function path(...segments: readonly (string | number)[]): string {
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join('');
}

/** A path with a query; what is undefined or empty is left out, a list comes as several. */
export function withQuery(
  where: string,
  query: Record<string, string | number | readonly string[] | undefined>,
): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== '') pairs.append(name, String(each));
    }
  }
  const text = pairs.toString();
  return text === '' ? where : `${where}?${text}`;
}

/** One call; the answer's JSON, or undefined when it has none. Throws ApiError. */
export async function call<T>(
  method: string,
  where: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const init: RequestInit = { method, headers: headersOf(method, body) };
  if (body !== undefined) init.body = JSON.stringify(body);
  if (signal !== undefined) init.signal = signal;
  let answer: Response;
  try {
    answer = await fetch(BASE + where, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'The platform does not answer.', HINTS[0]);
  }
  const text = await answer.text();
  if (!answer.ok) throw failure(answer.status, text, where);
  // The shape is the server's promise: its answers are held to the OpenAPI document by tests.
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

export const get = <T>(where: string, signal?: AbortSignal): Promise<T> =>
  call<T>('GET', where, undefined, signal);

function headersOf(method: string, body: unknown): Record<string, string> {
  return {
    ...(method === 'GET' ? {} : { 'X-Gwe-CSRF': '1' }),
    ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
  };
}

function failure(status: number, text: string, where: string): ApiError {
  const told = readError(text);
  if (status === 401 && where !== '/session') onLoggedOut();
  return new ApiError(
    status,
    told?.message ?? `The platform answered ${status}.`,
    told?.hint ?? HINTS[status],
    told?.checks,
  );
}

function readError(text: string): { message: string; hint?: string; checks?: Check[] } | undefined {
  try {
    const { error, checks } = JSON.parse(text);
    return { checks, ...error };
  } catch {
    return undefined;
  }
}

/** Uploads a file to the Content Area and tells how far it is. Throws ApiError, with the checks where one failed. */
export function upload(
  where: string,
  file: File,
  onProgress: (sent_bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('PUT', BASE + where);
    request.setRequestHeader('X-Gwe-CSRF', '1');
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = ({ loaded }) => onProgress(loaded);
    request.onload = () => {
      if (request.status < 300) resolve();
      else reject(failure(request.status, request.responseText, where));
    };
    request.onerror = () => reject(new ApiError(0, 'The upload broke off.', 'Drop the file here once more.'));
    request.onabort = () => reject(new ApiError(0, 'The upload was stopped.'));
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}
