/** The address of content in S3: what an operator may write, and what it stands for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, GweError } from '../../src/errors.ts';
import { parseS3Address, urlOf } from '../../src/platform/s3-address.ts';
import { begunUploads, completion } from '../../src/platform/s3-answers.ts';

const url = (written: string, key: string | undefined, env: NodeJS.ProcessEnv = {}) =>
  urlOf(parseS3Address(written, env), key).href;

test('a bucket of AWS stands in the host name, that of another service in the path', () => {
  assert.equal(url('s3://fleet', 'k'), 'https://fleet.s3.us-east-1.amazonaws.com/k');
  assert.equal(
    url('s3://fleet', 'k', { AWS_REGION: 'eu-west-1' }),
    'https://fleet.s3.eu-west-1.amazonaws.com/k',
  );
  assert.equal(url('s3://fleet/a/b/?endpoint=https://s3.example', 'k'), 'https://s3.example/fleet/a/b/k');
  assert.equal(
    url('s3://fleet?endpoint=https://s3.example:9000&style=host', 'k'),
    'https://fleet.s3.example:9000/k',
  );
  assert.equal(url('s3://fleet/a?endpoint=https://s3.example', undefined), 'https://s3.example/fleet');
});

test('region, cache and redirect are taken from it, and are off when left out', () => {
  const bare = parseS3Address('s3://fleet', {});
  assert.deepEqual([bare.region, bare.cache_bytes, bare.links], ['us-east-1', 0, undefined]);
  const full = parseS3Address('s3://fleet?region=x&cache=20G&redirect=https://cdn.example', {
    AWS_REGION: 'y',
  });
  assert.deepEqual(
    [full.region, full.cache_bytes, full.links?.origin],
    ['x', 20 * 1024 ** 3, 'https://cdn.example'],
  );
  assert.equal(parseS3Address('s3://fleet?redirect=on', {}).links?.host, 's3.us-east-1.amazonaws.com');
});

test('what is wrong with an address is told, without telling a secret that stands in it', () => {
  const wrong: Array<[string, RegExp]> = [
    ['https://fleet', /names no bucket/],
    ['s3://', /names no bucket/],
    ['s3://id:hunter2@fleet', /credentials have no place/],
    ['s3://fleet?endpoint=https://id:hunter2@s3.example', /credentials have no place in its endpoint/],
    ['s3://fleet?endpoint=s3.example', /its endpoint is no origin/],
    ['s3://fleet?endpoint=https://id:hunter2@s3.example/path', /credentials have no place in its endpoint/],
    ['s3://fleet?secret=hunter2', /no parameter "secret"/],
    ['s3://fleet?cache=much', /its cache "much" is no size/],
    ['s3://fleet?style=round', /its style "round" is none of path, host/],
    ['s3://fleet/a%20b', /its prefix may hold/],
  ];
  for (const [written, why] of wrong) {
    assert.throws(
      () => parseS3Address(written, {}),
      (error) =>
        error instanceof GweError &&
        error.code === 'usage' &&
        why.test(error.message) &&
        !explain(error).includes('hunter2'),
      written,
    );
  }
});

test('uploads that were begun are read from the list of S3, page by page, with the marks of XML in their names', () => {
  const upload = (key: string) =>
    `<Upload><Key>${key}</Key><UploadId>id&amp;1</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload>`;
  const page = (more: string) =>
    `<ListMultipartUploadsResult>${more}${upload('a')}${upload('b')}</ListMultipartUploadsResult>`;
  const begun_ms = Date.UTC(2026, 0, 2, 3, 4, 5);
  assert.deepEqual(begunUploads(page('<IsTruncated>false</IsTruncated>')), {
    uploads: [
      { key: 'a', id: 'id&1', begun_ms },
      { key: 'b', id: 'id&1', begun_ms },
    ],
  });
  const first = begunUploads(
    page(
      '<NextKeyMarker>b</NextKeyMarker><NextUploadIdMarker>i</NextUploadIdMarker><IsTruncated>true</IsTruncated>',
    ),
  );
  assert.deepEqual(first.next, { key: 'b', id: 'i' });
  assert.match(completion(['"e1"', '"e2"']), /<PartNumber>2<\/PartNumber><ETag>&#34;e2&#34;<\/ETag>/);
});
