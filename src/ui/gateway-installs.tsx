/** How installs on a gateway ended, the newest first, each with the full output of its install.sh. */
import { get, path, withQuery } from './api.ts';
import { useData } from './data.ts';
import { Badge, Empty, Panel, Problem, Time } from './parts.tsx';
import { readFetchStatus } from './reports.ts';
import type { Dataport, GatewayDetail, Point } from './types.ts';

const POINTS = 50;
const SHOWN_FIRST = 8;

export function GatewayInstalls({ gateway: { product, serial } }: { gateway: GatewayDetail }) {
  const { data, error, reload } = useData(
    (signal) =>
      get<Dataport>(
        withQuery(path('gateways', product, serial, 'dataports', 'fetch_status'), { points: POINTS }),
        signal,
      ),
    [product, serial],
    (change) => change.serial === serial,
  );
  const points = (data?.points ?? []).filter(({ value }) => value !== '').toReversed();
  const [recent, older] = [points.slice(0, SHOWN_FIRST), points.slice(SHOWN_FIRST)];
  return (
    <Panel title="Install history">
      {error?.status !== 404 && <Problem error={error} retry={reload} />}
      {points.length === 0 && (error === undefined || error.status === 404) && (
        <Empty title="No install has been reported yet." />
      )}
      <Ends points={recent} />
      {older.length > 0 && (
        <details>
          <summary>{older.length} older</summary>
          <Ends points={older} />
        </details>
      )}
    </Panel>
  );
}

function Ends({ points }: { points: readonly Point[] }) {
  return (
    <ol class="ends">
      {points.map(({ id, time, value }) => {
        const { name, outcome, head, output } = readFetchStatus(value);
        const title = (
          <>
            {outcome !== '' && <Badge word={outcome} />}{' '}
            <span class="end-name">{outcome === '' ? head : name}</span> <Time at={time} />
          </>
        );
        return (
          <li key={id}>
            <details>
              <summary>{title}</summary>
              <p class="end-head">{head}</p>
              {output !== '' ? (
                <pre tabIndex={0} role="region" aria-label={`Output of ${name || 'the install'}`}>
                  {output}
                </pre>
              ) : (
                <p class="quiet">install.sh printed nothing.</p>
              )}
            </details>
          </li>
        );
      })}
    </ol>
  );
}
