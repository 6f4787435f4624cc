/** The part `checkin`: from the wake-up to the finished check-in with nothing to do, on loopback. */
import { median, shown } from './figures.ts';
import { addGateway, type Chain, cikOf, type Ground, makeChain, makeGround, put } from './ground.ts';
import { alternately, measure, type Taken, tableOf, type Way } from './measure.ts';
import type { Aim, Bench, Findings, Part } from './part.ts';
import { wakeUpTable } from './wake-up.ts';

const ROUNDS = 25;
const AIM = { wall_ms: 120, cpu_ms: 100 };
/** So many bytes of reports does an idle gateway with no applications send, more or less. */
const BODY = `usage_report=${'u'.repeat(900)}&device_info=${'d'.repeat(900)}&engine_report=${'e'.repeat(400)}`;

export const checkIn: Part = {
  name: 'checkin',
  sentence:
    'A check-in with nothing to do, against `gwe platform` on loopback: `gwe --once`, from its start to its end. The floor is ' +
    '`curl` with one request of the same size. "First" is that of a gateway that has to activate before.',
  needs: ['time', 'curl', 'openssl'],
  run: checkIns,
};

async function checkIns(bench: Bench): Promise<Findings> {
  const chain = makeChain(`${bench.folder}/tls`);
  const http = await makeGround(bench);
  const https = await makeGround(bench, chain);
  const ways = [...waysOver(bench, 'http', http), ...waysOver(bench, 'https', https, chain)];
  const { taken, failed } = await alternately(bench, ways, bench.rounds(ROUNDS));
  const table = tableOf('A check-in with nothing to do', taken, 'curl, http');
  const bars = [...taken].map(([way, all]) => [way, median(all.map((one) => one.wall_ms))] as const);
  const wakeUp = bench.has('strace') ? [await wakeUpTable(bench, http.gateway)] : [];
  return {
    tables: [
      { ...table, plot: { kind: 'bars', name: 'checkin', title: 'Idle check-in, wall ms', bars } },
      ...wakeUp,
    ],
    aims: aimsOf(taken.get('gwe, http') ?? [], taken.get('gwe, https') ?? []),
    notes: failed,
  };
}

function waysOver(bench: Bench, scheme: string, { platform, gateway }: Ground, chain?: Chain): Way[] {
  const trust = chain === undefined ? [] : ['--cacert', chain.ca];
  const path = '/onep:v1/stack/alias?engine_fetch&update_interval';
  const cik = cikOf(gateway);
  const request = ['-H', `X-Exosite-CIK: ${cik}`, '--data-binary', `@${put(bench.folder, 'body', BODY)}`];
  const curl = ['curl', '-sf', ...trust, ...request, '-o', '/dev/null', platform.url + path];
  const command = [...gateway.command, '--once'];
  const { folder } = bench;
  return [
    { name: `curl, ${scheme}`, run: () => measure(curl, { folder }) },
    { name: `gwe, ${scheme}`, run: () => measure(command, { folder, env: gateway.env }) },
    {
      name: `gwe, ${scheme}, first`,
      run: async () => {
        const fresh = addGateway(bench, platform, `gw-${process.hrtime.bigint()}`, chain);
        return await measure([...fresh.command, '--once'], { folder, env: fresh.env });
      },
    },
  ];
}

function aimsOf(http: readonly Taken[], https: readonly Taken[]): Aim[] {
  const rows = [
    ['wall time of an idle check-in, http', http, 'wall_ms', 'ms'],
    ['wall time of an idle check-in, https', https, 'wall_ms', 'ms'],
    ['CPU time of an idle check-in, http', http, 'cpu_ms', 'ms'],
    ['CPU time of an idle check-in, https', https, 'cpu_ms', 'ms'],
  ] as const;
  return rows.map(([what, taken, figure, unit]) => {
    const found = median(taken.map((one) => one[figure]));
    return {
      what,
      aim: `≤ ${AIM[figure]} ${unit}`,
      found: `${shown(found)} ${unit}`,
      isMet: found <= AIM[figure],
    };
  });
}
