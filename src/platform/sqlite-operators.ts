/** Operators' tokens and what they changed, in SQLite: synchronous functions over prepared statements. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { GweError } from '../errors.ts';
import { chained } from './audit-chain.ts';
import type { AuditEntry, AuditQuery, AuditRecord, KeptToken, Role, Token } from './fleet-store.ts';
import { AUDIT_MAX_RECORDS } from './limits.ts';
import type { Queries } from './sqlite-fleet.ts';
import { int, type Row, text, textOrNull } from './sqlite-rows.ts';
import { tokenRemoval } from './store-rules.ts';

type NewToken = Token & { hash: string; now_ms: number };

export function prepareTokens(db: DatabaseSync) {
  const columns = 'SELECT name, role, products, expires_ms, created_ms, used_ms FROM token';
  const byHash = db.prepare(`${columns} WHERE hash = ?`);
  const all = db.prepare(`${columns} ORDER BY name`);
  const count = db.prepare('SELECT count(*) AS n FROM token');
  const insert = `INSERT INTO token (name, hash, role, products, expires_ms, created_ms) VALUES (?, ?, ?, ?, ?, ?)`;
  const add = db.prepare(`${insert} ON CONFLICT DO NOTHING`);
  const put = db.prepare(
    `${insert} ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, role = excluded.role,
     products = excluded.products, expires_ms = excluded.expires_ms`,
  );
  const remove = db.prepare('DELETE FROM token WHERE name = ?');
  const used = db.prepare('UPDATE token SET used_ms = max(used_ms, ?) WHERE name = ?');
  const valuesOf = ({ name, hash, role, products, expires_ms, now_ms }: NewToken): SQLInputValue[] => [
    name,
    hash,
    role,
    products === undefined ? null : JSON.stringify(products),
    expires_ms ?? null,
    now_ms,
  ];
  return {
    token(hash: string): Token | undefined {
      const row = byHash.get(hash);
      return row === undefined ? undefined : readToken(row);
    },
    tokens: (): KeptToken[] => all.all().map(readToken),
    countTokens: () => int(count.get() ?? {}, 'n'),
    putToken: (token: NewToken) => void put.run(...valuesOf(token)),
    addToken: (token: NewToken) =>
      add.run(...valuesOf(token)).changes === 0 ? ('exists' as const) : ('added' as const),
    removeToken(name: string, now_ms: number): 'removed' | 'unknown' | 'last' {
      const end = tokenRemoval(all.all().map(readToken), name, now_ms);
      if (end === 'removed') remove.run(name);
      return end;
    },
    tokensUsed(times: ReadonlyMap<string, number>): void {
      for (const [name, time_ms] of times) used.run(time_ms, name);
    },
  };
}

export function readToken(row: Row): KeptToken {
  const products = textOrNull(row, 'products');
  const expires_ms = row['expires_ms'];
  return {
    name: text(row, 'name'),
    role: readRole(text(row, 'role')),
    created_ms: int(row, 'created_ms'),
    used_ms: int(row, 'used_ms'),
    ...(products === undefined ? {} : { products: JSON.parse(products) }),
    ...(typeof expires_ms === 'number' ? { expires_ms } : {}),
  };
}

function readRole(role: string): Role {
  if (role === 'viewer' || role === 'operator' || role === 'admin') return role;
  throw new GweError('internal', `Cannot read the role of a token: "${role}"`);
}

export function prepareAudit(db: DatabaseSync, queries: Queries) {
  const last = db.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1');
  const add = db.prepare(
    `INSERT INTO audit (seq, time_ms, who, role, address, action, status, product, details, previous, hash)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const forget = db.prepare('DELETE FROM audit WHERE seq <= ?');
  return {
    appendAudit(entry: AuditEntry): AuditRecord {
      const row = last.get();
      const before = row === undefined ? undefined : { seq: int(row, 'seq'), hash: text(row, 'hash') };
      const record = chained(entry, before);
      const { seq, time_ms, who, role, address, action, status, product, details, previous, hash } = record;
      add.run(seq, time_ms, who, role, address, action, status, product ?? null, details, previous, hash);
      forget.run(seq - AUDIT_MAX_RECORDS);
      return record;
    },
    audit({ products, who, oldestFirst, after, limit }: AuditQuery): AuditRecord[] {
      const values: Record<string, SQLInputValue> = { limit };
      const parts = ['1'];
      if (products !== undefined) {
        const names = products.map((name, index) => {
          values[`p${index}`] = name;
          return `:p${index}`;
        });
        parts.push(`product IN (${names.join(', ')})`);
      }
      if (who !== undefined) {
        values['who'] = who;
        parts.push('who = :who');
      }
      if (after !== undefined) {
        values['after'] = after;
        parts.push(oldestFirst ? 'seq > :after' : 'seq < :after');
      }
      const order = oldestFirst ? 'ASC' : 'DESC';
      const sql = `SELECT * FROM audit WHERE ${parts.join(' AND ')} ORDER BY seq ${order} LIMIT :limit`;
      return queries.all(sql, values).map(readRecord);
    },
  };
}

export function readRecord(row: Row): AuditRecord {
  const product = textOrNull(row, 'product');
  return {
    seq: int(row, 'seq'),
    time_ms: int(row, 'time_ms'),
    who: text(row, 'who'),
    role: text(row, 'role'),
    address: text(row, 'address'),
    action: text(row, 'action'),
    status: int(row, 'status'),
    details: text(row, 'details'),
    previous: text(row, 'previous'),
    hash: text(row, 'hash'),
    ...(product === undefined ? {} : { product }),
  };
}
