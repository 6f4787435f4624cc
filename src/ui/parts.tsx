/** The small parts that all views are made of. */
import type { ComponentChildren } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { ApiError } from './api.ts';
import { useNow } from './data.ts';
import { absolute, relative } from './format.ts';

/** A moment: how long ago, and when exactly on hover and for screen readers that ask for it. */
export function Time({ at }: { at: number | undefined }) {
  const now = useNow();
  if (at === undefined || at === 0) return <span class="quiet">never</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={absolute(at)}>
      {relative(at, now)}
    </time>
  );
}

/** What each word means is told by a sign of its own shape and the word itself, not by the colour alone. */
const SIGNS: Readonly<Record<string, readonly [tone: string, sign: string, label?: string]>> = {
  'on-time': ['good', '●', 'on time'],
  late: ['warn', '◐'],
  lost: ['bad', '✕'],
  never: ['none', '○', 'never seen'],
  installed: ['good', '✓'],
  done: ['good', '✓'],
  complete: ['good', '✓'],
  passed: ['good', '✓'],
  running: ['live', '▶'],
  RUNNING: ['good', '●'],
  STARTING: ['live', '▶'],
  INSTALLED: ['none', '✓'],
  STOPPED: ['none', '■'],
  EXITED: ['warn', '■'],
  BACKOFF: ['bad', '✕'],
  FATAL: ['bad', '✕'],
  failed: ['bad', '✕'],
  silent: ['bad', '◌'],
  unhealthy: ['bad', '✕'],
  discarded: ['bad', '✕'],
  malformed: ['bad', '✕'],
  gone: ['bad', '✕'],
  proposed: ['warn', '?'],
  paused: ['warn', '‖'],
  aborting: ['warn', '■'],
  aborted: ['none', '■'],
  waiting: ['none', '○'],
  told: ['live', '◔'],
  taken: ['live', '◑'],
  watched: ['live', '◕'],
  left: ['none', '–'],
  cancelled: ['none', '–'],
  'not reached': ['none', '○'],
};

export function toneOf(word: string): string {
  return SIGNS[word]?.[0] ?? 'none';
}

export function Badge({ word }: { word: string }) {
  const [tone, sign, label] = SIGNS[word] ?? ['none', '·'];
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{sign}</span> {label ?? word}
    </span>
  );
}

/** A section with a heading, and what can be done with it at the right. */
export function Panel(props: {
  title: string;
  actions?: ComponentChildren;
  class?: string;
  children: ComponentChildren;
}) {
  const id = useId();
  return (
    <section class={`panel ${props.class ?? ''}`} aria-labelledby={id}>
      <div class="panel-head">
        <h2 id={id}>{props.title}</h2>
        {props.actions !== undefined && <div class="actions">{props.actions}</div>}
      </div>
      {props.children}
    </section>
  );
}

/** What went wrong, and what to do. */
export function Problem({ error, retry }: { error: ApiError | undefined; retry?: () => void }) {
  if (error === undefined) return null;
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{error.message}</strong>
      </p>
      {error.hint !== undefined && <p>{error.hint}</p>}
      {retry !== undefined && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Nothing is here yet: what that means, and the next step. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

export function Loading() {
  return (
    <p class="quiet loading" role="status">
      Loading …
    </p>
  );
}

/** Lines for a terminal, with a button that copies them. */
export function Commands({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(text).catch(() => undefined);
    setCopied(true);
  };
  return (
    <div class="commands">
      <pre role="region" aria-label={label} tabIndex={0}>
        {text}
      </pre>
      <button type="button" class="small" onClick={copy}>
        {copied ? 'Copied' : 'Copy'}
        <span class="hidden"> {label}</span>
      </button>
    </div>
  );
}

/** A share as a bar; the words beside it carry the meaning. */
export function Meter({ part, tone, label }: { part: number; tone?: string; label: string }) {
  return (
    <span class="meter" role="img" aria-label={label}>
      <span
        class={`meter-fill ${tone ?? ''}`}
        style={{ width: `${Math.min(100, Math.max(0, part * 100))}%` }}
      />
    </span>
  );
}

/** A field with its label above and a hint below. */
export function Field(props: { label: string; hint?: string; for: string; children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={props.for}>{props.label}</label>
      {props.children}
      {props.hint !== undefined && (
        <p class="hint" id={`${props.for}-hint`}>
          {props.hint}
        </p>
      )}
    </div>
  );
}
