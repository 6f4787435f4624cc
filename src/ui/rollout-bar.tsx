/** How far a rollout is, as one bar and a legend. */
import { number, percent } from './format.ts';
import { Badge } from './parts.tsx';
import { MEANINGS, MEMBER_STATES } from './rollout-states.ts';
import type { Rollout } from './types.ts';

export function RolloutBar({ rollout: { counts, total } }: { rollout: Rollout }) {
  const present = MEMBER_STATES.filter((state) => (counts[state] ?? 0) > 0);
  const words = present.map((state) => `${counts[state]} ${state}`).join(', ');
  return (
    <div class="share tall" role="img" aria-label={`Of ${total} gateways: ${words || 'none told yet'}`}>
      {present.map((state) => (
        <span
          key={state}
          class={`m-${state}`}
          style={{ width: `${(100 * (counts[state] ?? 0)) / Math.max(1, total)}%` }}
          title={`${state}: ${number(counts[state] ?? 0)}`}
        />
      ))}
    </div>
  );
}

export function RolloutLegend(props: {
  rollout: Rollout;
  chosen: string;
  onChoose: (state: string) => void;
}) {
  const { rollout, chosen, onChoose } = props;
  return (
    <ul class="legend-list">
      {MEMBER_STATES.filter((state) => (rollout.counts[state] ?? 0) > 0).map((state) => (
        <li key={state}>
          <button
            type="button"
            class="chip"
            aria-pressed={chosen === state}
            title={MEANINGS[state]}
            onClick={() => onChoose(chosen === state ? '' : state)}
          >
            <span class={`swatch m-${state}`} aria-hidden="true" />
            <Badge word={state} /> <strong>{number(rollout.counts[state] ?? 0)}</strong>{' '}
            <span class="quiet">{percent(rollout.counts[state] ?? 0, rollout.total)} %</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
