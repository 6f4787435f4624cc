import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createLog, LOG_LINE_MAX_CHARACTERS } from '../../src/host/log.ts';

function logged(
  act: (log: ReturnType<typeof createLog>) => void,
  level: 'DEBUG' | 'WARNING' = 'DEBUG',
): string[] {
  const lines: string[] = [];
  act(
    createLog(
      level,
      () => Date.UTC(2026, 0, 2, 3, 4, 5, 678),
      (line) => void lines.push(line),
    ),
  );
  return lines;
}

test('a line has its time, its level and its text', () => {
  assert.deepEqual(
    logged((log) => log.info('hello')),
    ['2026-01-02T03:04:05Z INFO hello\n'],
  );
});

test('what is less urgent than the level is not written', () => {
  const lines = logged((log) => {
    log.debug('1');
    log.info('2');
    log.warning('3');
    log.error('4');
    log.critical('5');
  }, 'WARNING');
  assert.deepEqual(
    lines.map((line) => line.slice(21)),
    ['WARNING 3\n', 'ERROR 4\n', 'CRITICAL 5\n'],
  );
});

test("a gateway's key is never written in full; a digest is", () => {
  const [key, digest] = ['ab12'.repeat(10), 'ab12'.repeat(16)];
  const [line] = logged((log) => log.info(`key ${key}, X-Exosite-CIK=${key}; digest ${digest}`));
  assert.equal(line?.slice(26), `key ab12…, X-Exosite-CIK=ab12…; digest ${digest}\n`);
});

test('what others say cannot forge a line, steer the terminal or flood the log', () => {
  const [line] = logged((log) =>
    log.info(`a\n2026-01-02T03:04:05Z CRITICAL forged\r\x1b[2J\x9b${'x'.repeat(100_000)}`),
  );
  assert.match(line ?? '', /^\S+ INFO a\n {4}2026/);
  assert.doesNotMatch(line ?? '', /[\r\x1b\x9b]/);
  assert.ok((line?.length ?? 0) < LOG_LINE_MAX_CHARACTERS + 50);
});

test('a log that nobody reads any more does not end the program', () => {
  const log = new URL('../../src/host/log.ts', import.meta.url).href;
  const program = `const { createLog } = await import(${JSON.stringify(log)});
    for (let n = 0; n < 50; n++) { createLog('INFO').info('x'.repeat(1000)); await new Promise(setImmediate); }
    console.log('alive');`;
  const run = spawnSync('sh', [
    '-c',
    '{ "$0" --input-type=module -e "$1" 2>&1 >&3 | true; } 3>&1',
    process.execPath,
    program,
  ]);
  assert.equal(String(run.stdout), 'alive\n');
});
