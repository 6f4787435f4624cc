import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { standByToFlush } from '../../src/host/flush.ts';
import { eventually } from '../e2e/machine.ts';

/** The shells of ours that wait for the word. */
function standingBy(): number[] {
  const of = ['-A', '-o', 'ppid=,pid=,args='];
  return execFileSync('ps', of, { encoding: 'utf8' })
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([parent, , ...args]) => Number(parent) === process.pid && args.join(' ').includes('read -r word'),
    )
    .map(([, pid]) => Number(pid));
}

describe('flushing the disks', () => {
  it('is done when it says so', async () => {
    assert.equal(await standByToFlush(systemClock).flush(), true);
  });

  it('is done all the same when what stood by was ended meanwhile', async () => {
    const flusher = standByToFlush(systemClock);
    const [pid] = await eventually('the shell that stands by', () => {
      const found = standingBy();
      return found.length > 0 && found;
    });
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGKILL');
    assert.equal(await flusher.flush(), true);
  });

  it('leaves no process behind when it is not wanted after all', async () => {
    const flusher = standByToFlush(systemClock);
    await eventually('the shell that stands by', () => standingBy().length > 0);
    flusher.dismiss();
    await eventually('it to end', () => standingBy().length === 0);
  });
});
