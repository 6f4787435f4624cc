/** Memory, disk and traffic of a gateway over time, from the history of its reports. */
import { useMemo } from 'preact/hooks';
import { get, path, withQuery } from './api.ts';
import { useData } from './data.ts';
import { bytes } from './format.ts';
import { Empty, Loading, Panel } from './parts.tsx';
import { Plot } from './plot.tsx';
import { readMachine, readUsage } from './reports.ts';
import type { Dataport, GatewayDetail, Point } from './types.ts';

const POINTS = 200;

export function GatewayPlots({ gateway }: { gateway: GatewayDetail }) {
  const machine = useHistory(gateway, 'device_info');
  const usage = useHistory(gateway, 'usage_report');
  const shares = useMemo(() => sharesOf(machine ?? []), [machine]);
  const traffic = useMemo(() => trafficOf(usage ?? []), [usage]);
  const inPercent = (value: number) => `${Math.round(value)} %`;
  return (
    <Panel title="Over time">
      {machine === undefined && <Loading />}
      {machine !== undefined && shares.times_ms.length === 0 && traffic.times_ms.length === 0 && (
        <Empty title="Plots appear here with the reports of the gateway." />
      )}
      {shares.times_ms.length > 0 && (
        <Plot
          title="Memory and disk used"
          text={inPercent}
          max={100}
          times_ms={shares.times_ms}
          series={shares.series}
        />
      )}
      {traffic.times_ms.length > 0 && (
        <Plot title="Bytes in the hour" text={bytes} times_ms={traffic.times_ms} series={traffic.series} />
      )}
    </Panel>
  );
}

/** The points of an alias; undefined until they are there, none when the gateway never wrote it. */
function useHistory({ product, serial }: GatewayDetail, alias: string): Point[] | undefined {
  const { data, error } = useData(
    (signal) =>
      get<Dataport>(
        withQuery(path('gateways', product, serial, 'dataports', alias), { points: POINTS }),
        signal,
      ),
    [product, serial, alias],
    (change) => change.serial === serial && change.alias === alias,
  );
  return error === undefined ? data?.points : [];
}

function sharesOf(points: readonly Point[]) {
  const rows = points.flatMap(({ time, value }) => {
    const { memory, disks } = readMachine(value);
    const root = disks.find(({ mounted }) => mounted === '/') ?? disks[0];
    if (memory === undefined && root === undefined) return [];
    return [
      {
        time,
        memory: memory && share(memory.used_bytes, memory.total_bytes),
        disk: root && share(root.used_bytes, root.size_bytes),
      },
    ];
  });
  return {
    times_ms: rows.map(({ time }) => time),
    series: [
      { label: 'memory', colour: 'one', values: rows.map(({ memory }) => memory ?? null) },
      { label: 'disk', colour: 'two', values: rows.map(({ disk }) => disk ?? null) },
    ],
  };
}

const share = (used: number, of: number) => (100 * used) / of;

function trafficOf(points: readonly Point[]) {
  const rows = points.flatMap(({ time, value }) => {
    const usage = readUsage(value);
    return usage === undefined ? [] : [{ time, ...usage }];
  });
  return {
    times_ms: rows.map(({ time }) => time),
    series: [
      { label: 'received', colour: 'one', values: rows.map(({ rx_bytes }) => rx_bytes) },
      { label: 'sent', colour: 'two', values: rows.map(({ tx_bytes }) => tx_bytes) },
    ],
  };
}
