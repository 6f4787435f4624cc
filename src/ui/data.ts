/** Data of a view: loaded when it opens, loaded again when something that it shows has changed. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api.ts';
import { type Change, onChange } from './live.ts';

/** Changes come in bursts: a view asks soon after the first, and then no more often than this. */
const RELOAD_SOON_MS = 100;
const RELOAD_EVERY_MS = 1500;

export interface Loaded<T> {
  data: T | undefined;
  error: ApiError | undefined;
  reload: () => void;
}

/**
 * What `load` gives. Loaded anew when one of `keys` is another one; and, without the old data vanishing, when `concerns` says
 * so of a change. A change that says "reset" concerns everybody.
 */
export function useData<T>(
  load: (signal: AbortSignal) => Promise<T>,
  keys: readonly unknown[],
  concerns: (change: Change) => boolean = () => false,
): Loaded<T> {
  const [shown, setShown] = useState<{ key: string; data?: T; error?: ApiError }>({ key: '' });
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((before) => before + 1), []);
  const key = JSON.stringify(keys);
  useEffect(() => {
    const stop = new AbortController();
    load(stop.signal).then(
      (data) => stop.signal.aborted || setShown({ key, data }),
      (thrown: unknown) => {
        if (stop.signal.aborted) return;
        const error = asApiError(thrown);
        setShown((before) => ({ ...(before.key === key ? before : {}), key, error }));
      },
    );
    return () => stop.abort();
  }, [key, round]);
  useReloads(reload, concerns);
  const isCurrent = shown.key === key;
  return { data: isCurrent ? shown.data : undefined, error: isCurrent ? shown.error : undefined, reload };
}

/** Calls `reload` soon after a change that concerns it, however many there are. */
function useReloads(reload: () => void, concerns: (change: Change) => boolean): void {
  const latest = useRef(concerns);
  latest.current = concerns;
  useEffect(() => {
    let timer: number | undefined;
    let reloaded_ms = 0;
    const stop = onChange((change) => {
      if (timer !== undefined || !(change.type === 'reset' || latest.current(change))) return;
      timer = setTimeout(
        () => {
          timer = undefined;
          reloaded_ms = Date.now();
          reload();
        },
        Math.max(RELOAD_SOON_MS, reloaded_ms + RELOAD_EVERY_MS - Date.now()),
      );
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [reload]);
}

export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError(-1, thrown instanceof Error ? thrown.message : String(thrown), 'Reload the page.');
}

/** An action that a person set off: whether it is under way, and how it failed. Gives whether it succeeded. */
export function useAction(): {
  busy: boolean;
  error: ApiError | undefined;
  act: (work: () => Promise<unknown>) => Promise<boolean>;
} {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | undefined>();
  const act = async (work: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
      return true;
    } catch (thrown) {
      setError(asApiError(thrown));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, act };
}

const TICK_MS = 5000;
const tickers = new Set<(now: number) => void>();
setInterval(() => {
  for (const tick of tickers) tick(Date.now());
}, TICK_MS);

/** The time, for "3 min ago": the view is drawn again as it passes. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    tickers.add(setNow);
    return () => void tickers.delete(setNow);
  }, []);
  return now;
}
