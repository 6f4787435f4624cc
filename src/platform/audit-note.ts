/** What the audit trail notes of a call that changed something: who, from where, what, and what was sent, shortened and without keys. */
import type { Answer } from './answer.ts';
import type { OperatorCall } from './context.ts';
import { AUDIT_DETAILS_MAX_CHARACTERS } from './limits.ts';

/** Notes a call and its answer. When it resolves, the record is on the disk. */
export async function noteChange(call: OperatorCall, answer: Answer): Promise<void> {
  const { operator, request, note, platform } = call;
  const query = request.query === '' ? '' : `?${request.query}`;
  await platform.audit({
    who: operator.name,
    role: operator.role,
    address: request.remote,
    action: harmless(`${request.method} ${request.path}${query}`),
    status: answer.status,
    details: harmless(note.details ?? request.taken ?? answerText(answer)),
    ...(note.product === undefined ? {} : { product: note.product }),
  });
}

/** Of an upload the answer tells more than its bytes. */
function answerText({ body }: Answer): string {
  return typeof body === 'string' ? body.trim() : '';
}

/** Keys and tokens (40 hex digits) are cut to their first four; what is too long is cut off. */
export function harmless(text: string): string {
  const clean = text.replace(/\b([0-9a-f]{4})[0-9a-f]{36}\b/g, '$1…').toWellFormed();
  return clean.length > AUDIT_DETAILS_MAX_CHARACTERS
    ? `${clean.slice(0, AUDIT_DETAILS_MAX_CHARACTERS).toWellFormed()}…`
    : clean;
}
