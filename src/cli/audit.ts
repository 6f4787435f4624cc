/** `gwe audit list` and `gwe audit verify`: what operators changed on the platform, and whether nobody changed that record of it. */
import type { AuditRecord } from '../platform/fleet-store.ts';
import { fields, list, number, text } from './answers.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import type { Operator } from './operator.ts';
import { withPlatform } from './session.ts';
import { harmless, table } from './words.ts';

/** Records asked for with one call. */
const PAGE = 1000;
const LISTED = 50;

/** `gwe audit list [--lines N] [--who NAME] [--json]`: the newest, the newest last. */
export function listAudit(context: CommandContext, args: CommandArgs): Promise<number> {
  const limit = args.integer('lines') ?? LISTED;
  const who = args.text('who');
  return withPlatform(context, args, async ({ operator, named }) => {
    const query = new URLSearchParams({ limit: String(limit) });
    if (who !== undefined) query.set('who', who);
    if (named !== undefined) query.set('product', named);
    const records = (await page(operator, query)).toReversed();
    if (args.has('json')) context.out(`${JSON.stringify(records, undefined, 2)}\n`);
    else context.out(table(records.map(row)));
    return 0;
  });
}

function row({ seq, time_ms, who, role, address, action, details }: AuditRecord): string[] {
  const short = harmless(details.replaceAll('\n', ' '));
  return [
    String(seq),
    new Date(time_ms).toISOString().replace(/\.\d+Z$/, 'Z'),
    harmless(role === '' ? who : `${who} (${role})`),
    address,
    harmless(action),
    short.length > 80 ? `${short.slice(0, 80)}…` : short,
  ];
}

/**
 * `gwe audit verify [--head HASH]`: follows the chain from its first record to its last, here, not on the platform. Ends
 * with 1 when it is broken, or when a hash that was noted earlier is not in it any more: then its end was cut off.
 */
export function verifyAudit(context: CommandContext, args: CommandArgs): Promise<number> {
  const noted = args.text('head');
  return withPlatform(context, args, async ({ operator }) => {
    const { createChainCheck } = await import('../platform/audit-chain.ts');
    const check = createChainCheck();
    let isNotedThere = noted === undefined;
    for await (const record of allRecords(operator)) {
      const wrong = check.next(record);
      if (wrong !== undefined) {
        context.err(`the audit trail is broken: ${wrong}\n`);
        return 1;
      }
      if (record.hash === noted) isNotedThere = true;
    }
    if (!isNotedThere) {
      context.err('the audit trail is broken: the hash that was noted is not in it; its end was cut off\n');
      return 1;
    }
    context.out(`${check.count} records, unbroken; the newest hash is ${check.head ?? 'none'}\n`);
    if (noted === undefined && check.head !== undefined) {
      context.err('note it outside the platform; later: gwe audit verify --head HASH\n');
    }
    return 0;
  });
}

async function* allRecords(operator: Operator): AsyncGenerator<AuditRecord> {
  const query = new URLSearchParams({ order: 'oldest', limit: String(PAGE) });
  for (;;) {
    const records = await page(operator, query);
    yield* records;
    const last = records.at(-1);
    if (last === undefined || records.length < PAGE) return;
    query.set('after', String(last.seq));
  }
}

async function page(operator: Operator, query: URLSearchParams): Promise<AuditRecord[]> {
  const answer = await operator.call({ method: 'GET', path: `/api/v1/audit?${query}` });
  return list(fields(answer, 'answer'), 'records', readRecord);
}

function readRecord(answer: unknown): AuditRecord {
  const of = fields(answer, 'record');
  return {
    seq: number(of, 'seq'),
    time_ms: number(of, 'time'),
    who: text(of, 'who'),
    role: text(of, 'role'),
    address: text(of, 'address'),
    action: text(of, 'action'),
    status: number(of, 'status'),
    details: text(of, 'details'),
    previous: text(of, 'previous'),
    hash: text(of, 'hash'),
    ...(of['product'] === undefined ? {} : { product: text(of, 'product') }),
  };
}
