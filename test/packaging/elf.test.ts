/** Cutting symbols off a real Node.js. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cutSymbols } from '../../src/packaging/elf.ts';

test('Node.js without its symbols is smaller, and still runs', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'gwe-elf-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const whole = readFileSync(process.execPath);
  const cut = cutSymbols(whole);
  assert.ok(cut.length < whole.length, `${cut.length} of ${whole.length} bytes are left`);
  writeFileSync(join(folder, 'node'), cut, { mode: 0o755 });
  const said = execFileSync(join(folder, 'node'), ['-p', 'process.version'], { encoding: 'utf8' });
  assert.equal(said.trim(), process.version);
  assert.deepEqual(cutSymbols(cut), cut, 'cutting twice cuts no more');
});

test('what is no ELF file is refused', () => {
  assert.throws(
    () => cutSymbols(Buffer.from('#!/bin/sh\necho no ELF file\n')),
    /no 64-bit little-endian ELF/,
  );
  assert.throws(() => cutSymbols(Buffer.alloc(0)), /no 64-bit little-endian ELF/);
});
