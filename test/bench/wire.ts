/** The part `wire`: bytes on the line of one check-in with nothing to do. The counting is wire-inside.ts's. */
import { join } from 'node:path';
import { shown } from './figures.ts';
import { runToEnd } from './measure.ts';
import type { Aim, Bench, Findings, Part } from './part.ts';
import type { Counted } from './wire-inside.ts';

/** What gwe may add to a bare request with the same reports. */
const AIM_BYTES = 400;
const FLOOR = 'curl, the same body';

export const wire: Part = {
  name: 'wire',
  sentence:
    'IP bytes of one check-in with nothing to do, of the whole connection in both directions, counted by the interface of a network ' +
    'namespace of its own (MTU 1500, no merged segments). TLS 1.3, an ECDSA chain with one intermediate. "Resumed" is with ' +
    "the session of the time before. A gateway's reports are in gwe's figure, and in that of `curl` with the same body. With `reports.detail = changed` those that have not " +
    'changed are left out; nothing has in these.',
  needs: ['ip', 'curl', 'openssl'],
  run: onTheWire,
};

async function onTheWire(bench: Bench): Promise<Findings> {
  const script = join(import.meta.dirname, 'wire-inside.ts');
  const inside = ['unshare', '-n', process.execPath, script, bench.folder, String(bench.rounds(5))];
  const ran = await runToEnd(inside, process.env);
  const line = ran.stdout.trim().split('\n').at(-1) ?? '';
  if (ran.status !== 0) throw new Error(`counting ended with ${ran.status}: ${ran.stderr.slice(-500)}`);
  const { rows, body_bytes, notes }: Counted = JSON.parse(line);
  const bars = rows.flatMap(({ way, first, resumed }) => [
    [`${way}, first`, first] as const,
    ...(resumed === undefined ? [] : [[`${way}, resumed`, resumed] as const]),
  ]);
  return {
    tables: [
      {
        caption: 'IP bytes of an idle check-in',
        columns: ['', 'first', 'resumed', 'packets, first', 'packets, resumed'],
        rows: rows.map((row) => [
          row.way,
          shown(row.first),
          shown(row.resumed ?? Number.NaN),
          shown(row.firstPackets),
          shown(row.resumedPackets ?? Number.NaN),
        ]),
        plot: { kind: 'bars', name: 'wire', title: 'IP bytes of an idle check-in', bars },
      },
    ],
    aims: aimsOf(rows),
    notes: [`The reports of this gateway, encoded: ${shown(body_bytes)} bytes.`, ...notes],
  };
}

function aimsOf(rows: Counted['rows']): Aim[] {
  const of = (name: string) => rows.find(({ way }) => way === name);
  return (['first', 'resumed'] as const).map((kind) => {
    const added = (of('gwe, https')?.[kind] ?? Number.NaN) - (of(`${FLOOR}, https`)?.[kind] ?? Number.NaN);
    return {
      what: `bytes that gwe adds to curl and the reports, ${kind}`,
      aim: `< ${AIM_BYTES}`,
      found: shown(added),
      isMet: added < AIM_BYTES,
    };
  });
}
