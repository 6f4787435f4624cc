/** Where in the page one is, as the part of the URL after #: reload, back and a link sent to a colleague all lead there. */
import { useEffect, useState } from 'preact/hooks';

export interface Route {
  /** '' where no product plays a part. */
  product: string;
  /** overview, gateways, content, rollouts, audit, tokens. */
  view: string;
  /** What follows, for instance a serial number. */
  rest: string[];
  query: URLSearchParams;
}

/** `#/p/PRODUCT/VIEW/…?query` or `#/VIEW`. Anything else is the overview. */
export function parseRoute(hash: string): Route {
  const [where = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const segments = where.split('/').map(decode);
  const [first = '', product = '', view = '', ...rest] = segments;
  const params = new URLSearchParams(query);
  if (first === 'p') return { product, view: view || 'overview', rest, query: params };
  return { product: '', view: first || 'overview', rest: segments.slice(1), query: params };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** A link within the page. */
export function link(
  product: string,
  view: string,
  rest: readonly (string | number)[] = [],
  query: Record<string, string> = {},
): string {
  const segments = [...(product === '' ? [] : ['p', product]), view, ...rest];
  const text = new URLSearchParams(query).toString();
  return `#/${segments.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

export function go(to: string): void {
  location.hash = to;
}

/** Changes the query of where one is, without a step in the browser's history. */
export function replaceQuery(query: URLSearchParams): void {
  const [where] = location.hash.split('?', 1);
  const text = query.toString();
  history.replaceState(null, '', `${where || '#/'}${text === '' ? '' : `?${text}`}`);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const onChange = () => setHash(location.hash);
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return parseRoute(hash);
}
