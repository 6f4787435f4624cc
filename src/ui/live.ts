/** What changes on the platform, as it happens: Server-Sent Events, and polling while they do not come through. */
import { useEffect, useState } from 'preact/hooks';

export interface Change {
  type: string;
  product?: string;
  serial?: string;
  alias?: string;
  id?: string | number;
  [key: string]: unknown;
}

export type LiveState = 'live' | 'polling' | 'off';

const TYPES = ['gateway', 'dataport', 'install', 'rollout', 'content', 'group', 'reset'] as const;
const POLL_MS = 15_000;

const listeners = new Set<(change: Change) => void>();
const watchers = new Set<(state: LiveState) => void>();
let source: EventSource | undefined;
let poll: number | undefined;
let state: LiveState = 'off';

function setState(next: LiveState): void {
  state = next;
  for (const watcher of watchers) watcher(next);
}

function tell(change: Change): void {
  for (const listener of listeners) listener(change);
}

/** Begins to listen, or does so anew for another product. */
export function startLive(product: string): void {
  stopLive();
  source = new EventSource(
    `/api/v1/events${product === '' ? '' : `?product=${encodeURIComponent(product)}`}`,
  );
  source.onopen = () => {
    // What happened in between is not known: those who look are told to look again.
    if (state === 'polling') tell({ type: 'reset' });
    clearInterval(poll);
    poll = undefined;
    setState('live');
  };
  source.onerror = () => {
    if (poll === undefined) poll = setInterval(() => onPoll(product), POLL_MS);
    setState('polling');
  };
  for (const type of TYPES)
    source.addEventListener(type, (event) => tell({ ...JSON.parse(event.data), type }));
}

/** A browser gives an event stream up for good when it was refused once: it is asked for again at each poll. */
function onPoll(product: string): void {
  tell({ type: 'reset' });
  if (source?.readyState !== EventSource.CLOSED) return;
  startLive(product);
  poll ??= setInterval(() => onPoll(product), POLL_MS);
  setState('polling');
}

export function stopLive(): void {
  source?.close();
  clearInterval(poll);
  source = undefined;
  poll = undefined;
  setState('off');
}

/** Hears changes until the returned function is called. */
export function onChange(listener: (change: Change) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLiveState(): LiveState {
  const [seen, setSeen] = useState(state);
  useEffect(() => {
    setSeen(state);
    watchers.add(setSeen);
    return () => void watchers.delete(setSeen);
  }, []);
  return seen;
}
