/** When a rollout goes on and when it stops by itself; what is left empty the platform decides. */
import { Field, Panel } from './parts.tsx';
import type { Plan } from './rollout-plan.ts';

type Key = 'cap' | 'failLimit' | 'silentMinutes' | 'offlineDays';

const FIELDS: readonly (readonly [key: Key, label: string, hint: string])[] = [
  [
    'failLimit',
    'Pause when more than … % fail',
    'Of those who ended; falling silent after success counts too.',
  ],
  ['cap', 'At most so many at a time', 'Empty: the platform’s own limit.'],
  [
    'silentMinutes',
    'Silent after … minutes',
    'How long past its interval a gateway may be silent after success.',
  ],
  ['offlineDays', 'Leave the unreached after … days', 'Empty: gateways that are offline are waited for.'],
];

export function RolloutLimits({ plan, set }: { plan: Plan; set: (patch: Partial<Plan>) => void }) {
  return (
    <Panel title="Limits">
      <div class="fields">
        {FIELDS.map(([key, label, hint]) => (
          <Field key={key} label={label} for={key} hint={hint}>
            <input
              id={key}
              type="number"
              min={0}
              step="any"
              aria-describedby={`${key}-hint`}
              value={plan[key]}
              onInput={(event) => set({ [key]: event.currentTarget.value })}
            />
          </Field>
        ))}
      </div>
    </Panel>
  );
}
