/** Whether an S3 API answers, learnt from what is asked of it anyway: so that trouble is told once, and not waited for by all. */
import { GweError } from '../errors.ts';
import { S3_TROUBLE_MS } from './limits.ts';
import type { S3Transport } from './s3-request.ts';

export interface Health {
  /** The transport, watched: in trouble, each request is tried only once. */
  watched(transport: S3Transport): S3Transport;
  /** Why it does not answer, as of less than S3_TROUBLE_MS ago; '' = it does; `undefined` = not known. */
  lately(): string | undefined;
  readonly failures: number;
}

/** `onChange` is told when trouble begins (why) and ends (`undefined`). `now` in milliseconds, monotonic. */
export function watchHealth(now: () => number, onChange: (why: string | undefined) => void): Health {
  let why = '';
  let known_ms = Number.NEGATIVE_INFINITY;
  let failures = 0;
  const isLate = () => now() - known_ms >= S3_TROUBLE_MS;

  function note(found: string): void {
    known_ms = now();
    const isChange = (found === '') !== (why === '');
    why = found;
    if (isChange) onChange(found === '' ? undefined : found);
  }

  return {
    watched: (transport) => ({
      ...transport,
      async send(request) {
        const isInTrouble = why !== '' && !isLate();
        try {
          const answer = await transport.send(isInTrouble ? { ...request, attempts: 1 } : request);
          note('');
          return answer;
        } catch (error) {
          failures += 1;
          if (error instanceof GweError && error.code === 'busy') note(error.message);
          throw error;
        }
      },
    }),
    lately: () => (isLate() ? undefined : why),
    get failures() {
      return failures;
    },
  };
}
