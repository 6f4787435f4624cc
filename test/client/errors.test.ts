/** The tables from system errors and statuses to codes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRetryable, networkFailure, statusCode } from '../../src/client/errors.ts';
import { GweError } from '../../src/errors.ts';

const DEED = { what: 'read a', host: 'example.com' };
const thrown = (code: string, message = 'it broke') => Object.assign(new Error(message), { code });
const now_ms = Date.UTC(1970, 0, 1, 0, 5);

for (const [code, expected] of [
  ['ENOTFOUND', 'dns'],
  ['EAI_AGAIN', 'dns'],
  ['ECONNREFUSED', 'offline'],
  ['ECONNRESET', 'offline'],
  ['EHOSTUNREACH', 'offline'],
  ['ENETUNREACH', 'offline'],
  ['ENETDOWN', 'offline'],
  ['ETIMEDOUT', 'offline'],
  ['EPIPE', 'offline'],
  ['CERT_HAS_EXPIRED', 'clock'],
  ['CERT_NOT_YET_VALID', 'clock'],
  ['CERT_REVOKED', 'tls'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
  ['EPROTO', 'tls'],
  ['HPE_INVALID_CONSTANT', 'protocol'],
  ['ERR_SOMETHING_NEW', 'offline'],
] as const) {
  test(`${code} is "${expected}"`, () => {
    const error = networkFailure(DEED, thrown(code), now_ms);
    assert.equal(error.code, expected);
    assert.match(error.message, /^Cannot read a at example\.com: /);
  });
}

test("a certificate that is not yet valid shows this machine's date, and what to do about it", () => {
  const error = networkFailure(DEED, thrown('CERT_NOT_YET_VALID'), now_ms);
  assert.match(error.message, /by this machine's clock \(1970-01-01T00:05:00Z\).*not yet valid/);
  assert.match(error.hint ?? '', /set this machine's clock/);
});

test('of several addresses that all failed the first one is told', () => {
  const error = networkFailure(
    DEED,
    new AggregateError([thrown('ECONNREFUSED', 'connect ECONNREFUSED ::1:1')]),
    now_ms,
  );
  assert.equal(error.code, 'offline');
  assert.equal(error.message, 'Cannot read a at example.com: connect ECONNREFUSED ::1:1');
});

test('what is classed already stays as it is', () => {
  const error = new GweError('stopped', 'Stopped');
  assert.equal(networkFailure(DEED, error, now_ms), error);
});

test('no status and nothing thrown is without a code', () => {
  for (let status = 100; status < 600; status += 1) assert.ok(statusCode(status));
  for (const odd of [undefined, null, 'text', 5, new Error('')])
    assert.ok(networkFailure(DEED, odd, now_ms).message);
});

test('refusals are not tried again, trouble of the network and of the clock is', () => {
  const retryable = (code: GweError['code']) => isRetryable(new GweError(code, ''));
  for (const code of ['dns', 'offline', 'timeout', 'busy', 'tls', 'clock', 'unauthorized'] as const)
    assert.ok(retryable(code));
  for (const code of [
    'refused',
    'forbidden',
    'not-found',
    'conflict',
    'check',
    'config',
    'stopped',
    'range',
  ] as const) {
    assert.ok(!retryable(code), code);
  }
});
