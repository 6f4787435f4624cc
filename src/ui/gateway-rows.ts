/** The rows of the gateway list: fetched page by page as far as one scrolls, kept up to date by what the platform tells. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type ApiError, get, withQuery } from './api.ts';
import { asApiError } from './data.ts';
import { filterOf } from './gateway-filter.tsx';
import { onChange } from './live.ts';
import { type Gateway, STATES } from './types.ts';

/** The first page is small so that it is there at once; the others are as large as the platform gives them. */
const FIRST_PAGE = 100;
const PAGE = 1000;
/** Check-ins of ten thousand gateways come in bursts: they are drawn together. */
const DRAW_EVERY_MS = 500;

export interface GatewayRows {
  rows: readonly Gateway[];
  total: number;
  loaded: boolean;
  error: ApiError | undefined;
  /** Sees to it that row `index` will be there. */
  want: (index: number) => void;
  reload: () => void;
}

interface Page {
  gateways: Gateway[];
  total: number;
  next?: string;
}

interface Held {
  rows: Gateway[];
  total: number;
  next: string | undefined;
  loaded: boolean;
}

const NOTHING: Held = { rows: [], total: 0, next: undefined, loaded: false };

export function useGatewayRows(product: string, query: URLSearchParams): GatewayRows {
  const where = useMemo(
    () => ({ product, ...filterOf(query), sort: query.get('sort') ?? 'serial' }),
    [product, query.toString()],
  );
  const [, redraw] = useState(0);
  const held = useRef<Held>(NOTHING);
  const shownFor = useRef<object | undefined>(undefined);
  const [error, setError] = useState<ApiError>();
  const [round, setRound] = useState(0);
  const wanted = useRef(0);
  const fetching = useRef(false);
  const reload = useCallback(() => setRound((before) => before + 1), []);

  const fetchOn = useCallback(
    async (from: Held | undefined, signal: AbortSignal) => {
      if (fetching.current && from !== undefined) return;
      fetching.current = true;
      // Loaded anew, the rows take the place of the old ones when all in sight are there: a focused one would vanish else.
      const isAgain = from === undefined && shownFor.current === where;
      let current = from;
      try {
        while (
          current === undefined ||
          (current.next !== undefined && current.rows.length <= wanted.current)
        ) {
          const limit = current === undefined ? FIRST_PAGE : PAGE;
          const page: Page = await get<Page>(
            withQuery('/gateways', { ...where, limit, after: current?.next }),
            signal,
          );
          current = {
            rows: [...(current?.rows ?? []), ...page.gateways],
            total: page.total,
            next: page.next,
            loaded: true,
          };
          if (isAgain && current.next !== undefined && current.rows.length <= wanted.current) continue;
          held.current = current;
          shownFor.current = where;
          setError(undefined);
          redraw((before) => before + 1);
        }
      } catch (thrown) {
        if (!signal.aborted) setError(asApiError(thrown));
      } finally {
        if (!signal.aborted) fetching.current = false;
      }
    },
    [where],
  );

  const stop = useRef(new AbortController());
  useEffect(() => {
    stop.current = new AbortController();
    fetching.current = false;
    void fetchOn(undefined, stop.current.signal);
    return () => stop.current.abort();
  }, [fetchOn, round]);

  useEffect(() => {
    let timer: number | undefined;
    const end = onChange((change) => {
      if (change.type === 'reset') return reload();
      if (change.type !== 'gateway') return;
      const at = held.current.rows.findIndex(({ serial }) => serial === change.serial);
      const row = held.current.rows[at];
      if (row === undefined) return;
      held.current.rows[at] = patched(row, change);
      timer ??= setTimeout(() => {
        timer = undefined;
        redraw((before) => before + 1);
      }, DRAW_EVERY_MS);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [reload]);

  const want = (index: number) => {
    wanted.current = index;
    if (held.current.next !== undefined && held.current.rows.length <= index)
      void fetchOn(held.current, stop.current.signal);
  };
  const { rows, total, loaded } = held.current;
  return { rows, total, loaded, error, want, reload };
}

function patched(row: Gateway, change: Record<string, unknown>): Gateway {
  const state = STATES.find((each) => each === change['state']) ?? row.state;
  const lastSeen = typeof change['lastSeen'] === 'number' ? change['lastSeen'] : row.lastSeen;
  return { ...row, state, lastSeen, ...(isApps(change['apps']) ? { apps: change['apps'] } : {}) };
}

function isApps(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((each) => typeof each === 'string')
  );
}
