/** The list of gateways as a table of which only the rows in sight exist. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { GatewayRows } from './gateway-rows.ts';
import { Badge, Time } from './parts.tsx';
import { link } from './route.ts';
import type { Gateway } from './types.ts';

/** As the style sheet has it: --row. */
const ROW_PX = 36;
/** Drawn above and below what is in sight. */
const SPARE_ROWS = 12;

const COLUMNS = [
  ['Serial', 'serial', ''],
  ['State', '', ''],
  ['Last seen', 'lastSeen', ''],
  ['Applications', '', 'wide-only'],
  ['Tags', '', 'wide-only'],
] as const;

interface TableProps {
  product: string;
  rows: GatewayRows;
  sort: string;
  onSort: (sort: string) => void;
}

export function GatewayTable({ product, rows, sort, onSort }: TableProps) {
  const place = useRef<HTMLDivElement>(null);
  const { first, last, onScroll } = useWindow(place, rows.total);
  useEffect(() => rows.want(last), [last, rows.rows.length]);
  useEffect(() => place.current?.scrollTo(0, 0), [sort]);
  const shown = Array.from({ length: Math.max(0, last - first + 1) }, (_, offset) => first + offset);
  return (
    <div
      class="rows"
      ref={place}
      onScroll={onScroll}
      tabIndex={0}
      role="region"
      aria-label="Gateways, scrollable"
    >
      <table aria-rowcount={rows.total + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {COLUMNS.map(([name, by, kind]) => (
              <Head key={name} name={name} by={by} kind={kind} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer rows={first} />
          {shown.map((index) => (
            <Row key={index} index={index} product={product} gateway={rows.rows[index]} />
          ))}
          <Spacer rows={rows.total - last - 1} />
        </tbody>
      </table>
    </div>
  );
}

/** First and last row to be drawn. */
function useWindow(place: { current: HTMLDivElement | null }, total: number) {
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(700);
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const first = Math.max(0, Math.min(Math.floor(top / ROW_PX), total - 1) - SPARE_ROWS);
  const last = Math.min(total - 1, Math.ceil((top + height) / ROW_PX) + SPARE_ROWS);
  // Drawn in steps: a row more or less is no reason to draw anew.
  const onScroll = () => {
    const next = place.current?.scrollTop ?? 0;
    if (Math.abs(next - top) >= (ROW_PX * SPARE_ROWS) / 3 || next === 0) setTop(next);
  };
  return { first, last, onScroll };
}

function Spacer({ rows }: { rows: number }) {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden="true" class="spacer">
      <td style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  );
}

function Head(props: {
  name: string;
  by: string;
  kind: string;
  sort: string;
  onSort: (sort: string) => void;
}) {
  const { name, by, kind, sort, onSort } = props;
  if (by === '') {
    return (
      <th scope="col" class={kind}>
        {name}
      </th>
    );
  }
  const order = sort === by ? 'ascending' : sort === `-${by}` ? 'descending' : undefined;
  return (
    <th scope="col" class={kind} aria-sort={order ?? 'none'}>
      <button type="button" class="sort" onClick={() => onSort(sort === by ? `-${by}` : by)}>
        {name}{' '}
        <span aria-hidden="true">{order === 'ascending' ? '▲' : order === 'descending' ? '▼' : '↕'}</span>
      </button>
    </th>
  );
}

/** What was deployed comes first, gwe itself last: where there is no room for all, that is what goes without saying. */
function ownLast(apps: [string, string][]): [string, string][] {
  return apps.sort(([one], [other]) => Number(one === 'gwe') - Number(other === 'gwe'));
}

function Row({ index, product, gateway }: { index: number; product: string; gateway: Gateway | undefined }) {
  if (gateway === undefined) {
    return (
      <tr aria-rowindex={index + 2} class="not-yet">
        <td>…</td>
      </tr>
    );
  }
  const { serial, state, lastSeen, apps, tags } = gateway;
  return (
    <tr aria-rowindex={index + 2}>
      <th scope="row">
        <a href={link(product, 'gateways', [serial])}>{serial}</a>
      </th>
      <td>
        <Badge word={state} />
      </td>
      <td>
        <Time at={lastSeen} />
      </td>
      <td class="wide-only">
        {ownLast(Object.entries(apps)).map(([app, version]) => (
          <span class="app" key={app}>
            {app} <span class="quiet">{version}</span>
          </span>
        ))}
      </td>
      <td class="wide-only">
        {tags.map((tag) => (
          <a key={tag} class="tag" href={link(product, 'gateways', [], { tag })}>
            {tag}
          </a>
        ))}
      </td>
    </tr>
  );
}
