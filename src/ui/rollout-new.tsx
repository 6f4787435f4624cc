/** Starting a rollout: what, on whom, in which steps, and when it shall stop by itself. */
import { useState } from 'preact/hooks';
import { call, get, path, withQuery } from './api.ts';
import { useAction, useData } from './data.ts';
import { Choose, tarballs } from './deploy.tsx';
import { plural } from './format.ts';
import { filterOf, filterWords } from './gateway-filter.tsx';
import { Empty, Field, Loading, Panel, Problem } from './parts.tsx';
import { RolloutLimits } from './rollout-limits.tsx';
import { bodyOf, type Plan, PRESETS, planProblem } from './rollout-plan.ts';
import { RolloutWindow } from './rollout-window.tsx';
import { go, link } from './route.ts';
import type { Content, Group, Rollout } from './types.ts';

const NAME_MAX_CHARACTERS = 200;

export function NewRollout({ product, query }: { product: string; query: URLSearchParams }) {
  const [plan, setPlan] = useState<Plan>({
    names: query.getAll('name'),
    group: query.get('group') ?? '',
    stages: PRESETS[0][1],
    cap: '',
    failLimit: '10',
    silentMinutes: '',
    from: '',
    to: '',
    days: [],
    timezone: '',
    offlineDays: '',
    name: '',
    dynamic: false,
  });
  const { busy, error, act } = useAction();
  const set = (patch: Partial<Plan>) => setPlan((before) => ({ ...before, ...patch }));
  const filter = filterOf(query);
  const problem = planProblem(plan);
  const submit = (event: Event) => {
    event.preventDefault();
    void act(async () => {
      const made = await call<Rollout>('POST', '/rollouts', bodyOf(product, plan, filter));
      go(link(product, 'rollouts', [made.id]));
    });
  };
  return (
    <>
      <p class="crumbs">
        <a href={link(product, 'rollouts')}>Rollouts</a>
      </p>
      <h1>New rollout</h1>
      <form class="narrow" onSubmit={submit}>
        <What product={product} plan={plan} set={set} />
        <Whom product={product} plan={plan} set={set} query={query} />
        <Panel title="Steps">
          <fieldset class="choose">
            <legend class="hidden">Steps</legend>
            {PRESETS.map(([label, stages]) => (
              <label key={label} class="choice">
                <input
                  type="radio"
                  name="stages"
                  checked={plan.stages === stages}
                  onChange={() => set({ stages })}
                />
                <span class="choice-name">{label}</span>
              </label>
            ))}
          </fieldset>
          <Field
            label="Steps"
            for="stages"
            hint="Percent of all, or a number of gateways; the rest follows after the last one."
          >
            <input
              id="stages"
              aria-describedby="stages-hint"
              value={plan.stages}
              onInput={(event) => set({ stages: event.currentTarget.value })}
            />
          </Field>
        </Panel>
        <RolloutLimits plan={plan} set={set} />
        <RolloutWindow plan={plan} set={set} />
        <Problem error={error} />
        <div class="buttons">
          {problem !== undefined && <span class="quiet">{problem}</span>}
          <button type="submit" class="primary" disabled={busy || problem !== undefined}>
            {busy ? 'Starting …' : 'Start rollout'}
          </button>
        </div>
      </form>
    </>
  );
}

interface PartProps {
  product: string;
  plan: Plan;
  set: (patch: Partial<Plan>) => void;
}

function What({ product, plan, set }: PartProps) {
  const { data, error } = useData(
    (signal) => get<{ content: Content[] }>(path('products', product, 'content'), signal),
    [product],
  );
  const choices = tarballs(data?.content ?? []);
  return (
    <Panel title="What">
      <Problem error={error} />
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && choices.length === 0 && (
        <Empty title="There is no application yet.">
          <a href={link(product, 'content')}>Upload one first</a>
        </Empty>
      )}
      {choices.length > 0 && (
        <Choose choices={choices} names={plan.names} onNames={(names) => set({ names })} />
      )}
      <Field
        label="Name"
        for="name"
        hint="What it is called in lists and in the audit trail; empty: by what it installs."
      >
        <input
          id="name"
          aria-describedby="name-hint"
          maxLength={NAME_MAX_CHARACTERS}
          value={plan.name}
          onInput={(event) => set({ name: event.currentTarget.value })}
        />
      </Field>
    </Panel>
  );
}

function Whom({ product, plan, set, query }: PartProps & { query: URLSearchParams }) {
  const groups = useData(
    (signal) => get<{ groups: Group[] }>(withQuery('/groups', { product }), signal),
    [product],
  );
  const { group: _group, ...rest } = filterOf(query);
  const fits = useData(
    (signal) =>
      get<{ total: number }>(
        withQuery('/gateways', { product, ...rest, group: plan.group, limit: 1 }),
        signal,
      ),
    [product, plan.group],
  );
  const narrowed = new URLSearchParams(query);
  narrowed.delete('group');
  const words = filterWords(narrowed);
  return (
    <Panel title="On whom">
      {words.length > 0 && (
        <p>
          Those with {words.join(', ')}. <a href={link(product, 'rollouts', ['new'])}>All instead</a>
        </p>
      )}
      {(groups.data?.groups.length ?? 0) > 0 && (
        <Field label="Group" for="group">
          <select
            id="group"
            value={plan.group}
            onChange={(event) => set({ group: event.currentTarget.value })}
          >
            <option value="">No group: all gateways</option>
            {groups.data?.groups.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </Field>
      )}
      <p role="status">
        {fits.data === undefined ? '' : <strong>{plural(fits.data.total, 'gateway')}</strong>}
        {words.length === 0 && plan.group === '' && (
          <span class="quiet">: narrow the list of gateways down first to reach fewer</span>
        )}
      </p>
      <label class="choice">
        <input
          type="checkbox"
          checked={plan.dynamic}
          onChange={(event) => set({ dynamic: event.currentTarget.checked })}
        />
        <span class="choice-name">Also gateways that come to fit later, as long as it goes on</span>
      </label>
    </Panel>
  );
}
