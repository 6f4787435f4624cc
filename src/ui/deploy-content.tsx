/** Deploying one tarball to a gateway that is chosen by its serial number. */
import { useState } from 'preact/hooks';
import { call, get, path, withQuery } from './api.ts';
import { useData } from './data.ts';
import { ActionDialog } from './dialog.tsx';
import { notify } from './notice.tsx';
import { Badge, Empty, Field, Problem } from './parts.tsx';
import { go, link } from './route.ts';
import type { Gateway } from './types.ts';

const SHOWN = 8;

export function DeployContent({
  product,
  id,
  onClose,
}: {
  product: string;
  id: string;
  onClose: () => void;
}) {
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState('');
  const { data, error } = useData(
    (signal) =>
      get<{ gateways: Gateway[]; total: number }>(
        withQuery('/gateways', { product, serialContains: text, sort: '-lastSeen', limit: SHOWN }),
        signal,
      ),
    [product, text],
  );
  const deploy = async () => {
    await call('POST', path('gateways', product, chosen, 'install'), { names: [id] });
    notify(`${chosen} will take ${id} at its next check-in.`);
    go(link(product, 'gateways', [chosen]));
  };
  return (
    <ActionDialog
      title={`Deploy ${id}`}
      does={chosen === '' ? 'Deploy' : `Deploy to ${chosen}`}
      disabled={chosen === ''}
      act={deploy}
      onClose={onClose}
    >
      <Field
        label="Gateway"
        for="find"
        hint="Part of the serial number. For several at once, start a rollout."
      >
        <input
          id="find"
          type="search"
          autocomplete="off"
          autoFocus
          aria-describedby="find-hint"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </Field>
      <Problem error={error} />
      {data?.total === 0 && <Empty title={text === '' ? 'There is no gateway yet.' : 'No gateway fits.'} />}
      <fieldset class="choose">
        <legend class="hidden">Gateway</legend>
        {(data?.gateways ?? []).map(({ serial, state }) => (
          <label key={serial} class="choice">
            <input
              type="radio"
              name="gateway"
              checked={chosen === serial}
              onChange={() => setChosen(serial)}
            />
            <span class="choice-name">
              <strong>{serial}</strong>
            </span>
            <Badge word={state} />
          </label>
        ))}
      </fieldset>
      {data !== undefined && data.total > SHOWN && (
        <p class="quiet">and {data.total - SHOWN} more: type to find them</p>
      )}
    </ActionDialog>
  );
}
