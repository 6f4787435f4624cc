/** Values on their way to PostgreSQL and back, in the forms in which the store sends them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { binaryArray } from '../../src/platform/postgres-arrays.ts';
import { openPool } from '../../src/platform/postgres-client.ts';
import { createKeys } from '../../src/platform/postgres-clients.ts';
import { bound } from '../../src/platform/postgres-values.ts';
import { lacks } from '../debian.ts';
import { startPostgres } from './real-postgres.ts';

test('values keep their places, lists of a known type are sent in binary, and all else as it was', () => {
  const { text, list } = bound('SELECT ?::text, ?::bigint[], ?::int[], ?', ['a', [1], [2], 'b']);
  assert.equal(text, 'SELECT $1::text, $2::bigint[], $3::int[], $4');
  assert.deepEqual(list, ['a', binaryArray([1], 'bigint'), [2], 'b']);
  const named = bound('SELECT :a::text[], :b::text, :a', { a: ['x'], b: 'y' });
  assert.equal(named.text, 'SELECT $1::text[], $2::text, $1');
  assert.deepEqual(named.list, [binaryArray(['x'], 'text'), 'y']);
  assert.equal(binaryArray([1.5], 'bigint'), undefined, 'PostgreSQL says what is wrong with it');
});

test('texts and numbers of every kind come back from PostgreSQL as they were sent', {
  skip: lacks('postgres'),
}, async (t) => {
  const server = await startPostgres({ isDurable: false });
  t.after(() => server.stop());
  const db = openPool(server.database(), () => {});
  t.after(() => db.close());
  const texts = ['', 'a', '{"b": "\\"", NULL}', 'é€🙂', '\0 \u{10FFFE}', 'NULL', null, 'x'.repeat(300_000)];
  const numbers = [0, -1, 2 ** 32, -(2 ** 32) - 5, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, null];
  const sql = 'SELECT * FROM unnest(?::text[], ?::bigint[]) WITH ORDINALITY u(t, n, at) ORDER BY at';
  for (const statement of [sql, { name: 'both', text: sql }, { name: 'both', text: sql }]) {
    const rows = await db.all(statement, [texts, numbers]);
    assert.deepEqual(
      rows.map((row) => row['t']),
      texts,
    );
    assert.deepEqual(
      rows.map((row) => row['n']),
      [...numbers, null],
    );
  }
  assert.deepEqual(await db.all(sql, [[], []]), []);
});

test('of keys as many are remembered as there is room for, and the one that was noted first goes', () => {
  const keys = createKeys(2);
  for (const [n, key] of ['a', 'b', 'a', 'c'].entries()) keys.note(key, n);
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => keys.get(key)),
    [undefined, 1, 3],
  );
});
