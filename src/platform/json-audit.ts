/** The JSON API on the audit trail: what operators changed, record by record, with the hashes that chain them. */
import { productsAsked } from './access.ts';
import { type Answer, json } from './answer.ts';
import { auditJson } from './audit-chain.ts';
import type { OperatorCall } from './context.ts';
import { number, oneOf, optionalNumber } from './json-body.ts';
import { PAGE_MAX_ROWS } from './limits.ts';
import { fieldOf } from './request.ts';

/** Records of a page when no limit is given. */
const PAGE_ROWS = 100;

/** `GET /api/v1/audit?product=&who=&order=&limit=&after=`. */
export async function listAudit(call: OperatorCall): Promise<Answer> {
  const pairs = call.request.pairs();
  const products = productsAsked(call, fieldOf(pairs, 'product'));
  const who = fieldOf(pairs, 'who');
  const after = optionalNumber(fieldOf(pairs, 'after'));
  const limit = Math.max(1, Math.min(number(fieldOf(pairs, 'limit'), PAGE_ROWS), PAGE_MAX_ROWS));
  const order = oneOf(fieldOf(pairs, 'order') ?? 'newest', ['newest', 'oldest'], 'order');
  const records = await call.platform.store.audit({
    oldestFirst: order === 'oldest',
    limit,
    ...(products === undefined ? {} : { products }),
    ...(who === undefined ? {} : { who }),
    ...(after === undefined ? {} : { after }),
  });
  const last = records.length < limit ? undefined : records.at(-1);
  return json(200, {
    records: records.map((record) => {
      return { ...auditJson(record), previous: record.previous, hash: record.hash };
    }),
    ...(last === undefined ? {} : { next: String(last.seq) }),
  });
}
