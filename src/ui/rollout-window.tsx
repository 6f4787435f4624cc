/** The hours and days at which gateways may install; without them at any time. */
import { Field, Panel } from './parts.tsx';
import { type Plan, WEEKDAYS } from './rollout-plan.ts';

interface Props {
  plan: Plan;
  set: (patch: Partial<Plan>) => void;
}

export function RolloutWindow({ plan, set }: Props) {
  const toggle = (day: number) =>
    set({ days: plan.days.includes(day) ? plan.days.filter((each) => each !== day) : [...plan.days, day] });
  return (
    <Panel title="When">
      <div class="fields">
        <Clock id="from" label="Only from" hint="Empty: at any time." plan={plan} set={set} />
        <Clock id="to" label="Only to" hint="Before the other: on the next day." plan={plan} set={set} />
        <Field label="Time zone" for="timezone" hint="Such as Europe/Berlin; empty: the gateway’s own.">
          <input
            id="timezone"
            list="timezones"
            aria-describedby="timezone-hint"
            value={plan.timezone}
            onInput={(event) => set({ timezone: event.currentTarget.value.trim() })}
          />
          <datalist id="timezones">
            {Intl.supportedValuesOf('timeZone').map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </Field>
      </div>
      <fieldset class="chips">
        <legend>Days (none chosen: every day)</legend>
        {WEEKDAYS.map(([label, day]) => (
          <label key={day} class="chip">
            <input type="checkbox" checked={plan.days.includes(day)} onChange={() => toggle(day)} />
            {label}
          </label>
        ))}
      </fieldset>
    </Panel>
  );
}

function Clock({ id, label, hint, plan, set }: Props & { id: 'from' | 'to'; label: string; hint: string }) {
  return (
    <Field label={label} for={id} hint={hint}>
      <input
        id={id}
        type="time"
        aria-describedby={`${id}-hint`}
        value={plan[id]}
        onInput={(event) => set({ [id]: event.currentTarget.value })}
      />
    </Field>
  );
}
