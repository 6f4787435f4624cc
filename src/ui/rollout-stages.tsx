/** The stages of a rollout as steps: which are through, which is under way, which is to come. */
import { number } from './format.ts';
import { Badge } from './parts.tsx';
import { stagesOf } from './rollout-states.ts';
import type { Rollout } from './types.ts';

export function RolloutStages({ rollout }: { rollout: Rollout }) {
  const stages = stagesOf(rollout);
  const isOver = rollout.state === 'complete';
  return (
    <ol class="stages" aria-label="Stages">
      {stages.map(({ name, size, reach }, index) => {
        const where = isOver || index < rollout.stage ? 'through' : index === rollout.stage ? 'now' : 'ahead';
        return (
          <li key={name + reach} class={`stage ${where}`} aria-current={where === 'now' ? 'step' : undefined}>
            <span class="stage-number" aria-hidden="true">
              {where === 'through' ? '✓' : index + 1}
            </span>
            <strong>{name}</strong>
            <span class="quiet">
              {number(size)} {size === 1 ? 'gateway' : 'gateways'}
            </span>
            {where === 'through' && <span class="quiet">through</span>}
            {where === 'now' && <Badge word={rollout.state} />}
            {where === 'ahead' && <span class="quiet">to come</span>}
          </li>
        );
      })}
    </ol>
  );
}
