/** The fleet at a glance. */
import { useState } from 'preact/hooks';
import { get, withQuery } from './api.ts';
import { useData } from './data.ts';
import { AddGateway } from './first-steps.tsx';
import { duration, number, percent } from './format.ts';
import { Badge, Empty, Loading, Panel, Problem, toneOf } from './parts.tsx';
import { Plot } from './plot.tsx';
import { link } from './route.ts';
import { useMay } from './session.ts';
import { type Overview, STATES } from './types.ts';
import { VersionBars } from './version-bars.tsx';

const APPS_MAX = 6;
const OWN = 'gwe';
const HOUR_MS = 3_600_000;
const PLOT_HOURS = 48;

export function OverviewView({ product }: { product: string }) {
  const { data, error, reload } = useData(
    (signal) => get<Overview>(withQuery('/overview', { product }), signal),
    [product],
    ({ type }) => type === 'gateway' || type === 'install',
  );
  return (
    <>
      <h1>Overview</h1>
      <Problem error={error} retry={reload} />
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && <Fleet product={product} overview={data} />}
    </>
  );
}

function Fleet({ product, overview }: { product: string; overview: Overview }) {
  if (overview.gateways.total === 0) return <NoGateways product={product} />;
  return (
    <>
      <States product={product} overview={overview} />
      <div class="grid">
        <Versions product={product} overview={overview} />
        <Activity overview={overview} />
      </div>
    </>
  );
}

export function NoGateways({ product }: { product: string }) {
  const [adding, setAdding] = useState(false);
  const mayAdd = useMay('operator');
  return (
    <Empty title="No gateways yet.">
      <ol>
        <li>Add the serial number of a gateway here.</li>
        <li>Type the commands that are then shown on that gateway.</li>
        <li>It appears here as soon as it has checked in. Then deploy an application to it.</li>
      </ol>
      {mayAdd && (
        <button type="button" class="primary" onClick={() => setAdding(true)}>
          Add a gateway …
        </button>
      )}
      {adding && <AddGateway product={product} onClose={() => setAdding(false)} />}
    </Empty>
  );
}

function States({ product, overview: { gateways, limits } }: { product: string; overview: Overview }) {
  const meaning = {
    'on-time': 'checked in when expected',
    late: `missed more than ${limits.lateAfter} intervals`,
    lost: `missed more than ${limits.lostAfter} intervals`,
    never: 'added, not activated yet',
  };
  return (
    <section aria-label="Gateways by state">
      <ul class="tiles">
        {STATES.map((state) => (
          <li key={state}>
            <a href={link(product, 'gateways', [], { state })} class={`tile ${toneOf(state)}`}>
              <span class="figure">{number(gateways[state])}</span>
              <Badge word={state} />
              <span class="quiet">{meaning[state]}</span>
            </a>
          </li>
        ))}
      </ul>
      <div
        class="share"
        role="img"
        aria-label={STATES.map((state) => `${percent(gateways[state], gateways.total)} % ${state}`).join(
          ', ',
        )}
      >
        {STATES.filter((state) => gateways[state] > 0).map((state) => (
          <span
            key={state}
            class={toneOf(state)}
            style={{ width: `${(100 * gateways[state]) / gateways.total}%` }}
            title={`${state}: ${percent(gateways[state], gateways.total)} %`}
          />
        ))}
      </div>
      <p class="quiet">
        {number(gateways.total)} in all. A gateway that told no interval is expected every{' '}
        {duration(limits.defaultInterval * 1000)}.
      </p>
    </section>
  );
}

function Versions({ product, overview }: { product: string; overview: Overview }) {
  // What one deploys comes first, gwe itself last.
  const apps = [...new Set(overview.versions.map(({ app }) => app))].sort(
    (one, other) => Number(one === OWN) - Number(other === OWN),
  );
  return (
    <Panel title="Versions over time" actions={<a href={link(product, 'content')}>Content</a>}>
      {apps.length === 0 && (
        <Empty title="No gateway has reported an application yet.">
          <p>
            <a href={link(product, 'content')}>Upload an application</a>, then deploy it to a gateway.
          </p>
        </Empty>
      )}
      {apps.slice(0, APPS_MAX).map((app) => (
        <VersionBars key={app} app={app} overview={overview} />
      ))}
      {apps.length > APPS_MAX && <p class="quiet">and {apps.length - APPS_MAX} more applications</p>}
    </Panel>
  );
}

function Activity({ overview: { hours, time } }: { overview: Overview }) {
  const byHour = new Map(hours.map((each) => [each.time, each]));
  const newest = Math.floor(time / HOUR_MS) * HOUR_MS;
  const times_ms = Array.from(
    { length: PLOT_HOURS },
    (_, index) => newest - (PLOT_HOURS - 1 - index) * HOUR_MS,
  );
  const values = (name: 'checkIns' | 'installs' | 'failures') =>
    times_ms.map((at) => byHour.get(at)?.[name] ?? 0);
  return (
    <Panel title="The last two days, by hour">
      <Plot
        title="Check-ins"
        times_ms={times_ms}
        text={number}
        series={[{ label: 'this hour', colour: 'one', values: values('checkIns'), bars: true }]}
      />
      <Plot
        title="Installs"
        times_ms={times_ms}
        text={number}
        series={[
          { label: 'succeeded', colour: 'good', values: values('installs'), bars: true },
          { label: 'failed', colour: 'bad', values: values('failures'), bars: true },
        ]}
      />
    </Panel>
  );
}
