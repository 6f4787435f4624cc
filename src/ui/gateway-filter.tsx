/** What narrows the list of gateways down. It stands in the URL, so that a list can be sent to a colleague. */
import { useEffect, useState } from 'preact/hooks';
import { get, withQuery } from './api.ts';
import { useData } from './data.ts';
import { SPANS, seenFilter } from './last-seen.ts';
import { Badge } from './parts.tsx';
import { type Group, type Overview, STATES } from './types.ts';

const NAMES = ['serialContains', 'group', 'tag', 'application'] as const;
const TYPING_PAUSE_MS = 250;

/** The filter in a query, as the API takes it. */
export function filterOf(query: URLSearchParams): Record<string, string | string[]> {
  const filter: Record<string, string | string[]> = {};
  for (const name of NAMES) {
    const value = query.get(name);
    if (value !== null && value !== '') filter[name] = value;
  }
  const states = query.getAll('state');
  if (states.length > 0) filter['state'] = states;
  return { ...filter, ...seenFilter(query.get('seen'), Date.now()) };
}

/** The filter in words. */
export function filterWords(query: URLSearchParams): string[] {
  const words = NAMES.flatMap((name) => query.getAll(name).map((value) => `${name} ${value}`));
  const states = query.getAll('state');
  const seen = SPANS.find(([word]) => word === query.get('seen'));
  return [
    ...words,
    ...(states.length === 0 ? [] : [`state ${states.join(' or ')}`]),
    ...(seen === undefined ? [] : [seen[1].toLowerCase()]),
  ];
}

interface FilterProps {
  product: string;
  query: URLSearchParams;
  change: (name: string, values: readonly string[]) => void;
}

export function GatewayFilter({ product, query, change }: FilterProps) {
  const states = query.getAll('state');
  const toggle = (state: string) =>
    change('state', states.includes(state) ? states.filter((each) => each !== state) : [...states, state]);
  return (
    <form class="filter" role="search" aria-label="Gateways" onSubmit={(event) => event.preventDefault()}>
      <Search text={query.get('serialContains') ?? ''} onText={(text) => change('serialContains', [text])} />
      <fieldset class="chips">
        <legend class="hidden">State</legend>
        {STATES.map((state) => (
          <label key={state} class="chip">
            <input type="checkbox" checked={states.includes(state)} onChange={() => toggle(state)} />
            <Badge word={state} />
          </label>
        ))}
      </fieldset>
      <Choices product={product} query={query} change={change} />
    </form>
  );
}

function Search({ text, onText }: { text: string; onText: (text: string) => void }) {
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (typed === text) return;
    const timer = setTimeout(() => onText(typed), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <>
      <label for="search" class="hidden">
        Search serial numbers
      </label>
      <input
        id="search"
        type="search"
        placeholder="Search serial numbers"
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
    </>
  );
}

function Choices({ product, query, change }: FilterProps) {
  const groups = useData(
    (signal) => get<{ groups: Group[] }>(withQuery('/groups', { product }), signal),
    [product],
    (change) => change.type === 'group',
  );
  const overview = useData(
    (signal) => get<Overview>(withQuery('/overview', { product, hours: 1 }), signal),
    [product],
  );
  const versions = (overview.data?.versions ?? []).map(({ app, version }) => `${app}@${version}`).sort();
  const tag = query.get('tag');
  return (
    <>
      <Choice
        id="application"
        label="Application"
        all="Any application"
        options={versions}
        value={query.get('application') ?? ''}
        onValue={(value) => change('application', [value])}
      />
      <Choice
        id="group"
        label="Group"
        all="Any group"
        options={(groups.data?.groups ?? []).map(({ name }) => name)}
        value={query.get('group') ?? ''}
        onValue={(value) => change('group', [value])}
      />
      <Choice
        id="seen"
        label="Last seen"
        all="Seen at any time"
        options={SPANS.map(([word]) => word)}
        labels={Object.fromEntries(SPANS)}
        value={query.get('seen') ?? ''}
        onValue={(value) => change('seen', [value])}
      />
      {tag !== null && (
        <button type="button" class="small" onClick={() => change('tag', [])}>
          Tag {tag} <span aria-hidden="true">✕</span>
          <span class="hidden">, remove</span>
        </button>
      )}
    </>
  );
}

function Choice(props: {
  id: string;
  label: string;
  all: string;
  options: readonly string[];
  /** What is shown for an option, where that is not the option itself. */
  labels?: Readonly<Record<string, string>>;
  value: string;
  onValue: (value: string) => void;
}) {
  if (props.options.length === 0 && props.value === '') return null;
  const options =
    props.options.includes(props.value) || props.value === ''
      ? props.options
      : [props.value, ...props.options];
  return (
    <>
      <label for={props.id} class="hidden">
        {props.label}
      </label>
      <select
        id={props.id}
        value={props.value}
        onChange={(event) => props.onValue(event.currentTarget.value)}
      >
        <option value="">{props.all}</option>
        {options.map((each) => (
          <option key={each} value={each}>
            {props.labels?.[each] ?? each.replace('@', ' ')}
          </option>
        ))}
      </select>
    </>
  );
}
