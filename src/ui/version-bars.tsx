/** Which versions of an application the fleet has, as bars over time, each bar the whole fleet that has it. */
import { absolute, compareVersions, number, percent } from './format.ts';
import type { Overview, VersionCount } from './types.ts';

/** More versions than this are shown as one: colours would no longer tell them apart. */
const SHOWN_MAX = 5;
const BARS_MAX = 48;
const OLDER = 'older';

interface Column {
  time: number;
  counts: Map<string, number>;
  total: number;
}

export function VersionBars({ app, overview }: { app: string; overview: Overview }) {
  const now = overview.versions.filter((each) => each.app === app);
  const history = overview.history.filter((each) => each.app === app);
  const versions = [...new Set([...now, ...history].map(({ version }) => version))]
    .sort(compareVersions)
    .reverse();
  const shown = versions.length > SHOWN_MAX ? [...versions.slice(0, SHOWN_MAX - 1), OLDER] : versions;
  const nameOf = (version: string) => (shown.includes(version) ? version : OLDER);
  const columns = columnsOf([...history, ...now.map((each) => ({ ...each, time: overview.time }))], nameOf);
  const last = columns.at(-1);
  const top = Math.max(1, ...columns.map(({ total }) => total));
  return (
    <figure class="versions">
      <figcaption>
        <strong>{app}</strong>
        {shown.map((version, index) => (
          <span class="legend" key={version}>
            <span class={`swatch v${index}`} aria-hidden="true" /> {version}{' '}
            <strong>{number(last?.counts.get(version) ?? 0)}</strong>{' '}
            <span class="quiet">{percent(last?.counts.get(version) ?? 0, last?.total ?? 0)} %</span>
          </span>
        ))}
      </figcaption>
      <div
        class={shown.length > 1 ? 'columns' : 'columns low'}
        role="img"
        aria-label={inWords(app, shown, last)}
      >
        {columns.map((column) => (
          <div class="column" key={column.time} title={titleOf(column, shown)}>
            {shown.map((version, index) => (
              <div
                key={version}
                class={`part v${index}`}
                style={{ height: `${(100 * (column.counts.get(version) ?? 0)) / top}%` }}
              />
            ))}
          </div>
        ))}
      </div>
    </figure>
  );
}

function columnsOf(
  rows: readonly (VersionCount & { time: number })[],
  nameOf: (version: string) => string,
): Column[] {
  const columns = new Map<number, Column>();
  for (const { time, version, gateways } of rows) {
    const column = columns.get(time) ?? { time, counts: new Map<string, number>(), total: 0 };
    const name = nameOf(version);
    column.counts.set(name, (column.counts.get(name) ?? 0) + gateways);
    column.total += gateways;
    columns.set(time, column);
  }
  return [...columns.values()].sort((one, other) => one.time - other.time).slice(-BARS_MAX);
}

function titleOf({ time, counts }: Column, shown: readonly string[]): string {
  const parts = shown.flatMap((version) => {
    const count = counts.get(version);
    return count === undefined ? [] : [`${version}: ${number(count)}`];
  });
  return `${absolute(time)}\n${parts.join('\n')}`;
}

function inWords(app: string, shown: readonly string[], last: Column | undefined): string {
  const parts = shown.map((version) => `version ${version} on ${number(last?.counts.get(version) ?? 0)}`);
  return `${app} over time; now ${parts.join(', ')} gateways`;
}
