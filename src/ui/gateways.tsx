/** The gateways of a product: searched, filtered, sorted, however many there are. */
import { useEffect, useState } from 'preact/hooks';
import { AddGateway } from './first-steps.tsx';
import { number } from './format.ts';
import { filterOf, GatewayFilter } from './gateway-filter.tsx';
import { useGatewayRows } from './gateway-rows.ts';
import { GatewayTable } from './gateway-table.tsx';
import { Groups } from './groups.tsx';
import { NoGateways } from './overview.tsx';
import { Empty, Loading, Problem } from './parts.tsx';
import { link, replaceQuery } from './route.ts';
import { useMay } from './session.ts';
import { TAGGED_MAX, TagListed } from './tag-listed.tsx';

export function Gateways({ product, query }: { product: string; query: URLSearchParams }) {
  const [adding, setAdding] = useState(false);
  const [grouping, setGrouping] = useState(false);
  const [tagging, setTagging] = useState(false);
  const mayChange = useMay('operator');
  const rows = useGatewayRows(product, query);
  const isFiltered = Object.keys(filterOf(query)).length > 0;
  const change = (name: string, values: readonly string[]) => {
    const next = new URLSearchParams(query);
    next.delete(name);
    for (const value of values) if (value !== '') next.append(name, value);
    replaceQuery(next);
  };
  useEffect(() => setAdding(false), [product]);
  return (
    <>
      <div class="view-head">
        <h1>Gateways</h1>
        <div class="actions">
          {mayChange && rows.total > 0 && (
            <a class="button" href={link(product, 'rollouts', ['new'], Object.fromEntries(query))}>
              Roll out to {isFiltered ? `these ${number(rows.total)}` : 'all'} …
            </a>
          )}
          {mayChange && (rows.total > 0 || isFiltered) && (
            <button type="button" onClick={() => setGrouping(true)}>
              Groups …
            </button>
          )}
          {mayChange && rows.total > 0 && rows.total <= TAGGED_MAX && (
            <button type="button" onClick={() => setTagging(true)}>
              Tag {isFiltered ? `these ${number(rows.total)}` : 'all'} …
            </button>
          )}
          {mayChange && (rows.total > 0 || isFiltered) && (
            <button type="button" onClick={() => setAdding(true)}>
              Add a gateway …
            </button>
          )}
        </div>
      </div>
      {(rows.total > 0 || isFiltered) && <GatewayFilter product={product} query={query} change={change} />}
      <Problem error={rows.error} retry={rows.reload} />
      <p role="status" class="quiet count">
        {rows.loaded ? `${number(rows.total)} ${rows.total === 1 ? 'gateway' : 'gateways'}` : ''}
      </p>
      {!rows.loaded && rows.error === undefined && <Loading />}
      {rows.loaded && rows.total === 0 && isFiltered && (
        <Empty title="No gateway fits.">
          <button type="button" onClick={() => replaceQuery(new URLSearchParams())}>
            Show all gateways
          </button>
        </Empty>
      )}
      {rows.loaded && rows.total === 0 && !isFiltered && <NoGateways product={product} />}
      {rows.total > 0 && (
        <GatewayTable
          product={product}
          rows={rows}
          sort={query.get('sort') ?? 'serial'}
          onSort={(to) => change('sort', [to])}
        />
      )}
      {grouping && <Groups product={product} query={query} onClose={() => setGrouping(false)} />}
      {tagging && (
        <TagListed
          product={product}
          query={query}
          total={rows.total}
          onClose={() => {
            setTagging(false);
            rows.reload();
          }}
        />
      )}
      {adding && <AddGateway product={product} onClose={() => setAdding(false)} />}
    </>
  );
}
