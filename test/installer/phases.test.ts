import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  failureOf,
  isBeforeScript,
  nextOf,
  PHASE_NAMES,
  PHASES,
  type Phase,
} from '../../src/installer/phases.ts';

function reachableFrom(start: Phase): Set<Phase> {
  const reached = new Set<Phase>([start]);
  for (const phase of reached) for (const next of nextOf(phase)) reached.add(next);
  return reached;
}

describe('the table of phases', () => {
  it('reaches every phase from the first', () => {
    assert.deepEqual([...reachableFrom('announce')].sort(), [...PHASE_NAMES].sort());
  });

  it('leads from every phase to the end', () => {
    for (const phase of PHASE_NAMES) assert.ok(reachableFrom(phase).has('ended'), phase);
  });

  it('leads only to phases that are in it, and from the end nowhere', () => {
    for (const phase of PHASE_NAMES) {
      for (const next of PHASES[phase].next) assert.ok(PHASE_NAMES.includes(next), `${phase} → ${next}`);
    }
    assert.deepEqual(nextOf('ended'), []);
  });

  it('never reports an end before what was touched is taken back, and never runs anything after the report', () => {
    for (const phase of PHASE_NAMES) {
      const { undo } = PHASES[phase];
      if (undo === 'roll back') assert.ok(!nextOf(phase).includes('report'), phase);
    }
    assert.deepEqual([...reachableFrom('report')], ['report', 'ended']);
  });

  it('gives every failure a way that the table has, and the right one', () => {
    for (const phase of PHASE_NAMES) {
      const failsTo = failureOf(phase);
      if (failsTo === undefined) continue;
      assert.ok(nextOf(phase).includes(failsTo), phase);
      assert.equal(failsTo, PHASES[phase].undo === 'roll back' ? 'rollback' : 'report', phase);
      if (isBeforeScript(phase))
        assert.ok(nextOf(phase).includes('rollback'), `${phase}, after a first attempt`);
    }
  });

  it('resumes each phase where nothing is skipped: at itself, or before it', () => {
    for (const phase of PHASE_NAMES) {
      const { resumesAt } = PHASES[phase];
      if (resumesAt !== phase) assert.ok(nextOf(phase).includes(resumesAt), phase);
      assert.ok(PHASE_NAMES.indexOf(resumesAt) <= PHASE_NAMES.indexOf(phase), phase);
    }
  });

  it('is committed only by way of the script, and never from the way back', () => {
    for (const phase of ['announce', 'download', 'unpack', 'rollback', 'reboot'] as const) {
      assert.ok(!nextOf(phase).includes('commit'), phase);
    }
    assert.ok(!reachableFrom('rollback').has('commit'));
  });
});
