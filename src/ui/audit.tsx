/** What operators changed, the newest first. */
import { useEffect, useState } from 'preact/hooks';
import { type ApiError, get, withQuery } from './api.ts';
import { asApiError } from './data.ts';
import { Empty, Loading, Problem, Time } from './parts.tsx';
import { Scroll } from './scroll.tsx';
import type { AuditRecord } from './types.ts';

const PAGE = 100;

export function Audit() {
  const [who, setWho] = useState('');
  const [asked, setAsked] = useState('');
  const [records, setRecords] = useState<AuditRecord[] | undefined>();
  const [next, setNext] = useState<string | undefined>();
  const [error, setError] = useState<ApiError | undefined>();
  const load = async (after?: string) => {
    setError(undefined);
    try {
      const where = withQuery('/audit', { who: asked, limit: PAGE, after });
      const page = await get<{ records: AuditRecord[]; next?: string }>(where);
      setRecords((before) => [...(after === undefined ? [] : (before ?? [])), ...page.records]);
      setNext(page.next);
    } catch (thrown) {
      setError(asApiError(thrown));
    }
  };
  useEffect(() => void load(), [asked]);
  return (
    <>
      <h1>Audit</h1>
      <p class="quiet">
        Each record holds the hash of the one before: <code>gwe audit verify</code> shows whether one was
        changed.
      </p>
      <form
        class="filter"
        role="search"
        aria-label="Audit"
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(who.trim());
        }}
      >
        <label for="who">By</label>
        <input
          id="who"
          type="search"
          placeholder="name of a token"
          value={who}
          onInput={(event) => setWho(event.currentTarget.value)}
        />
        <button type="submit">Show</button>
      </form>
      <Problem error={error} retry={() => void load()} />
      {records === undefined && error === undefined && <Loading />}
      {records?.length === 0 && <Empty title="Nothing has been changed yet." />}
      {records !== undefined && records.length > 0 && <Records records={records} />}
      {next !== undefined && (
        <button type="button" onClick={() => void load(next)}>
          Show older
        </button>
      )}
    </>
  );
}

function Records({ records }: { records: readonly AuditRecord[] }) {
  return (
    <Scroll label="Audit records">
      <table class="audit">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">What</th>
            <th scope="col">Answered</th>
            <th scope="col">Details</th>
            <th scope="col">From</th>
          </tr>
        </thead>
        <tbody>
          {records.map(({ seq, time, who, role, action, status, details, address }) => (
            <tr key={seq}>
              <td>
                <Time at={time} />
              </td>
              <td>
                {who} <span class="quiet">{role}</span>
              </td>
              <td class="mono long">{action}</td>
              <td class={status >= 400 ? 'tone-bad' : ''}>{status}</td>
              <td class="mono details">{details}</td>
              <td class="mono">{address}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
