import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, type RawConnection, request, TOKEN } from './raw.ts';

const GATEWAYS = 64;
/** GWE_KILL_ROUNDS=20 for the figure that is published. */
const ROUNDS = Number(process.env['GWE_KILL_ROUNDS'] ?? 5);
/** Writes that are acknowledged in a round before the kill: each call makes two. */
const WRITES = 600;

async function startChild(folder: string) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'child.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  return { child, port: Number(String(line).trim()) };
}

async function ask(port: number, bytes: Buffer): Promise<string> {
  const connection = connect(port);
  connection.send(bytes);
  const answer = await connection.answer();
  connection.close();
  return answer.body.toString();
}

test('kill -9 under load loses nothing that was acknowledged', async (t) => {
  let busy_ms = 0;
  const folder = mkdtempSync(join(tmpdir(), 'gwe-kill-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const ciks: string[] = [];
  const acked: string[] = Array.from({ length: GATEWAYS }, () => '');
  let total = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const { child, port } = await startChild(folder);
    if (round === 0) ciks.push(...(await activateAll(port)));
    await verify(port, ciks, acked);
    const until = total + WRITES;
    const killed = once(child, 'exit');
    const began_ms = performance.now();
    await Promise.all(
      ciks.map(async (cik, i) => {
        const connection = connect(port);
        for (let n = Number(acked[i] || 0) + 1; ; n += 1) {
          if (!(await write(connection, cik, n))) return;
          acked[i] = String(n);
          total += 1;
          if (total === until) child.kill('SIGKILL');
        }
      }),
    );
    busy_ms += performance.now() - began_ms;
    await killed;
  }
  const { child, port } = await startChild(folder);
  await verify(port, ciks, acked);
  child.kill('SIGKILL');
  t.diagnostic(
    `${ROUNDS} kills, ${2 * total} values acknowledged, ${Math.round((2 * total) / (busy_ms / 1000))} a second, none missing`,
  );
  assert.ok(total >= ROUNDS * WRITES);
});

/** Every gateway has what was acknowledged last, or a later write whose acknowledgement was cut off; never an earlier one. */
async function verify(port: number, ciks: readonly string[], acked: readonly string[]): Promise<void> {
  for (const [i, cik] of ciks.entries()) {
    const key = [`X-Exosite-CIK: ${cik}`];
    const body = await ask(port, request('GET', '/onep:v1/stack/alias?device_info', key));
    const found = Number(body.split('-').at(-1) ?? 0);
    assert.ok(found >= Number(acked[i] || 0), `gateway ${i}: acknowledged ${acked[i]}, found ${body}`);
  }
}

/** Whether the write was acknowledged; false when the platform is gone. */
async function write(connection: RawConnection, cik: string, n: number): Promise<boolean> {
  const filler = 'x'.repeat(500);
  connection.send(
    request(
      'POST',
      '/onep:v1/stack/alias',
      [`X-Exosite-CIK: ${cik}`],
      `device_info=${filler}-${n}&usage_report=${n}`,
    ),
  );
  try {
    return (await connection.answer()).status.includes(' 204 ');
  } catch {
    return false;
  }
}

async function activateAll(port: number): Promise<string[]> {
  const operator = [`X-Exosite-Token: ${TOKEN}`];
  await ask(port, request('POST', '/api/v1/products', operator, '{"id":"P"}'));
  const ciks: string[] = [];
  for (let i = 0; i < GATEWAYS; i += 1) {
    await ask(
      port,
      request('POST', '/api/v1/gateways', operator, JSON.stringify({ product: 'P', serial: `S${i}` })),
    );
    ciks.push(await ask(port, request('POST', '/provision/activate', [], `vendor=acme&model=P&sn=S${i}`)));
  }
  return ciks;
}
