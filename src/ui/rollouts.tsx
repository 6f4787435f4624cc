/** The rollouts of a product, the newest first, each with how far it is. */
import { get, withQuery } from './api.ts';
import { useData } from './data.ts';
import { number } from './format.ts';
import { Badge, Empty, Loading, Problem, Time } from './parts.tsx';
import { RolloutBar } from './rollout-bar.tsx';
import { endedOf } from './rollout-states.ts';
import { link } from './route.ts';
import { useMay } from './session.ts';
import type { Rollout } from './types.ts';

export function Rollouts({ product }: { product: string }) {
  const mayStart = useMay('operator');
  const { data, error, reload } = useData(
    (signal) => get<{ rollouts: Rollout[] }>(withQuery('/rollouts', { product, limit: 100 }), signal),
    [product],
    ({ type }) => type === 'rollout' || type === 'install',
  );
  return (
    <>
      <div class="view-head">
        <h1>Rollouts</h1>
        {mayStart && (
          <div class="actions">
            <a class="button primary" href={link(product, 'rollouts', ['new'])}>
              New rollout …
            </a>
          </div>
        )}
      </div>
      <Problem error={error} retry={reload} />
      {data === undefined && error === undefined && <Loading />}
      {data?.rollouts.length === 0 && (
        <Empty title="No rollouts yet.">
          <p>
            A rollout brings tarballs to many gateways, a few first. It watches them, and pauses by itself
            when too many fail or fall silent.
          </p>
        </Empty>
      )}
      <ul class="cards">
        {(data?.rollouts ?? []).map((rollout) => (
          <li key={rollout.id} class="panel">
            <div class="card-head">
              <h2>
                <a href={link(product, 'rollouts', [rollout.id])}>{rollout.name}</a>
              </h2>
              <Badge word={rollout.state} />
            </div>
            <RolloutBar rollout={rollout} />
            <p>
              {number(endedOf(rollout))} of {number(rollout.total)} ended, started{' '}
              <Time at={rollout.created} /> by {rollout.createdBy}
            </p>
            {rollout.why !== undefined && <p class="why">{rollout.why}</p>}
          </li>
        ))}
      </ul>
    </>
  );
}
