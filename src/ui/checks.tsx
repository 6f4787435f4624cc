/** The checks of a tarball with their results, in the order in which they are made. */
import { Badge } from './parts.tsx';
import type { Check } from './types.ts';

/** Where all have passed that is said in one line, and each of them stands below it for who wants to know. */
export function Checks({ checks }: { checks: readonly Check[] }) {
  if (checks.every(({ result }) => result === 'passed')) {
    return (
      <details>
        <summary>
          <Badge word="passed" /> All {checks.length} checks of a gateway
        </summary>
        <List checks={checks} />
      </details>
    );
  }
  return <List checks={checks} />;
}

function List({ checks }: { checks: readonly Check[] }) {
  return (
    <ol class="checks">
      {checks.map(({ id, sentence, result, why, hint }) => (
        <li key={id} class={result === 'failed' ? 'failed' : ''}>
          <Badge word={result} />
          <div>
            <span>{sentence}</span>
            {why !== undefined && (
              <p>
                <strong>{why}</strong>
              </p>
            )}
            {hint !== undefined && <p class="quiet">{hint}</p>}
          </div>
        </li>
      ))}
    </ol>
  );
}
