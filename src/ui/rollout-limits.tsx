/** When a rollout goes on and when it stops by itself; what is left empty the platform decides. */
import { Field, Panel } from './parts.tsx';
import type { Plan } from './rollout-plan.ts';

type Key = 'cap' | 'failLimit' | 'silentMinutes' | 'offlineDays' | 'from' | 'to';

const FIELDS: readonly (readonly [key: Key, label: string, type: 'number' | 'time', hint: string])[] = [
  [
    'failLimit',
    'Pause when more than … % fail',
    'number',
    'Of those who ended; falling silent after success counts too.',
  ],
  ['cap', 'At most so many at a time', 'number', 'Empty: the platform’s own limit.'],
  [
    'silentMinutes',
    'Silent after … minutes',
    'number',
    'How long past its interval a gateway may be silent after success.',
  ],
  [
    'offlineDays',
    'Leave the unreached after … days',
    'number',
    'Empty: gateways that are offline are waited for.',
  ],
  ['from', 'Only from', 'time', 'In the gateway’s own time zone; empty: at any time.'],
  ['to', 'Only to', 'time', 'Before the other: on the next day.'],
];

export function RolloutLimits({ plan, set }: { plan: Plan; set: (patch: Partial<Plan>) => void }) {
  return (
    <Panel title="Limits">
      <div class="fields">
        {FIELDS.map(([key, label, type, hint]) => (
          <Field key={key} label={label} for={key} hint={hint}>
            <input
              id={key}
              type={type}
              min={type === 'number' ? 0 : undefined}
              step={type === 'number' ? 'any' : undefined}
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
