/** The dataports of a gateway, and writing one. */
import { useState } from 'preact/hooks';
import { call, get, path } from './api.ts';
import { useData } from './data.ts';
import { ActionDialog } from './dialog.tsx';
import { notify } from './notice.tsx';
import { Field, Panel, Problem, Time } from './parts.tsx';
import { Scroll } from './scroll.tsx';
import { useMay } from './session.ts';
import type { Dataport, GatewayDetail } from './types.ts';

const SHORT_CHARACTERS = 80;

export function GatewayDataports({ gateway: { product, serial } }: { gateway: GatewayDetail }) {
  const [writing, setWriting] = useState<Dataport | undefined>();
  const mayWrite = useMay('operator');
  const { data, error, reload } = useData(
    (signal) => get<{ dataports: Dataport[] }>(path('gateways', product, serial, 'dataports'), signal),
    [product, serial],
    (change) => change.serial === serial,
  );
  const write = (
    <button type="button" onClick={() => setWriting({ alias: '', value: '', updated: 0 })}>
      Write a dataport …
    </button>
  );
  return (
    <Panel title="Dataports" actions={mayWrite ? write : undefined}>
      <Problem error={error} retry={reload} />
      <Scroll label="Dataports">
        <table class="dataports">
          <thead>
            <tr>
              <th scope="col">Alias</th>
              <th scope="col">Value</th>
              <th scope="col">Written</th>
              {mayWrite && (
                <th scope="col">
                  <span class="hidden">Change</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {(data?.dataports ?? []).map((port) => (
              <tr key={port.alias}>
                <th scope="row">{port.alias}</th>
                <td>
                  <Value text={port.value} alias={port.alias} />
                </td>
                <td>
                  <Time at={port.updated} />
                </td>
                {mayWrite && (
                  <td>
                    <button type="button" class="small" onClick={() => setWriting(port)}>
                      Write<span class="hidden"> {port.alias}</span> …
                    </button>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {writing !== undefined && (
        <WriteDialog
          product={product}
          serial={serial}
          port={writing}
          onClose={() => {
            setWriting(undefined);
            reload();
          }}
        />
      )}
    </Panel>
  );
}

function Value({ text, alias }: { text: string; alias: string }) {
  if (text === '') return <span class="quiet">empty</span>;
  if (text.length <= SHORT_CHARACTERS && !text.includes('\n')) return <code>{text}</code>;
  return (
    <details>
      <summary>
        <code>{text.slice(0, SHORT_CHARACTERS).split('\n')[0]} …</code>
      </summary>
      <pre tabIndex={0} role="region" aria-label={`Value of ${alias}`}>
        {pretty(text)}
      </pre>
    </details>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function WriteDialog(props: { product: string; serial: string; port: Dataport; onClose: () => void }) {
  const { product, serial, port, onClose } = props;
  const [alias, setAlias] = useState(port.alias);
  const [value, setValue] = useState(port.value);
  const write = async () => {
    await call('PUT', path('gateways', product, serial, 'dataports', alias.trim()), { value });
    notify(`Wrote ${alias.trim()} of ${serial}.`);
  };
  return (
    <ActionDialog
      title="Write a dataport"
      does="Write"
      disabled={alias.trim() === ''}
      act={write}
      onClose={onClose}
    >
      <Field label="Alias" for="alias" hint="One that is not there yet comes into being.">
        <input
          id="alias"
          required
          autocomplete="off"
          aria-describedby="alias-hint"
          value={alias}
          onInput={(event) => setAlias(event.currentTarget.value)}
        />
      </Field>
      <Field label="Value" for="value" hint="Read by the gateway or its applications; empty clears it.">
        <textarea
          id="value"
          rows={6}
          class="mono"
          aria-describedby="value-hint"
          value={value}
          onInput={(event) => setValue(event.currentTarget.value)}
        />
      </Field>
    </ActionDialog>
  );
}
