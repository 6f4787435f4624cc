/** Operators' tokens and what they changed, in PostgreSQL. */
import { chained } from './audit-chain.ts';
import type { AuditRecord, FleetStore, Token } from './fleet-store.ts';
import { AUDIT_MAX_RECORDS } from './limits.ts';
import type { Database } from './postgres-client.ts';
import { LOCKS } from './postgres-locks.ts';
import type { Value } from './postgres-values.ts';
import { readRecord, readToken } from './sqlite-operators.ts';
import { int, text } from './sqlite-rows.ts';
import { tokenRemoval } from './store-rules.ts';

type NewToken = Token & { hash: string; now_ms: number };
type TokenStore = Pick<
  FleetStore,
  'token' | 'tokens' | 'countTokens' | 'putToken' | 'addToken' | 'removeToken' | 'tokensUsed'
>;

const TOKENS = 'SELECT name, role, products, expires_ms, created_ms, used_ms FROM token';
const INSERT =
  'INSERT INTO token (name, hash, role, products, expires_ms, created_ms) VALUES (?, ?, ?, ?, ?, ?)';

const valuesOf = ({ name, hash, role, products, expires_ms, now_ms }: NewToken): Value[] => [
  ...[name, hash, role],
  products === undefined ? null : JSON.stringify(products),
  ...[expires_ms ?? null, now_ms],
];

export function openTokens(db: Database): TokenStore {
  return {
    async token(hash) {
      const row = await db.get(`${TOKENS} WHERE hash = ?`, [hash]);
      return row === undefined ? undefined : readToken(row);
    },
    tokens: async () => (await db.all(`${TOKENS} ORDER BY name`)).map(readToken),
    countTokens: async () => int((await db.get('SELECT count(*) AS n FROM token')) ?? {}, 'n'),
    async putToken(token) {
      await db.run(
        `${INSERT} ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role,
         products = excluded.products, expires_ms = excluded.expires_ms`,
        valuesOf(token),
      );
    },
    addToken: async (token) =>
      (await db.run(`${INSERT} ON CONFLICT DO NOTHING`, valuesOf(token))) === 0 ? 'exists' : 'added',
    removeToken: (name, now_ms) =>
      db.transaction(async (session) => {
        await session.run('SELECT pg_advisory_xact_lock(?)', [LOCKS.tokens]);
        const end = tokenRemoval((await session.all(TOKENS)).map(readToken), name, now_ms);
        if (end === 'removed') await session.run('DELETE FROM token WHERE name = ?', [name]);
        return end;
      }),
    async tokensUsed(used) {
      for (const [name, time_ms] of [...used].sort(([a], [b]) => (a < b ? -1 : 1))) {
        await db.run('UPDATE token SET used_ms = greatest(used_ms, ?) WHERE name = ?', [time_ms, name]);
      }
    },
  };
}

export function openAudit(db: Database): Pick<FleetStore, 'appendAudit' | 'audit'> {
  return {
    /** One after the other, whichever replica it is: each record names the one before it. */
    appendAudit: (entry) =>
      db.transaction(async (session): Promise<AuditRecord> => {
        await session.run('SELECT pg_advisory_xact_lock(?)', [LOCKS.audit]);
        const row = await session.get('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
        const record = chained(
          entry,
          row === undefined ? undefined : { seq: int(row, 'seq'), hash: text(row, 'hash') },
        );
        await session.run(
          `INSERT INTO audit (seq, time_ms, who, role, address, action, status, product, details, previous, hash)
           VALUES (:seq, :time_ms, :who, :role, :address, :action, :status, :product, :details, :previous, :hash)`,
          { ...record, product: record.product ?? null },
        );
        await session.run('DELETE FROM audit WHERE seq <= ?', [record.seq - AUDIT_MAX_RECORDS]);
        return record;
      }),
    async audit({ products, who, oldestFirst, after, limit }) {
      const rows = await db.all(
        `SELECT * FROM audit WHERE (:products::text[] IS NULL OR product = ANY(:products))
         AND (:who::text IS NULL OR who = :who) AND (:after::bigint IS NULL OR seq ${oldestFirst ? '>' : '<'} :after)
         ORDER BY seq ${oldestFirst ? 'ASC' : 'DESC'} LIMIT :limit`,
        { products: products ?? null, who: who ?? null, after: after ?? null, limit },
      );
      return rows.map(readRecord);
    },
  };
}
