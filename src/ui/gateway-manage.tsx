/** What is done with a gateway rarely: its tags, activating it again, removing it. */
import { useState } from 'preact/hooks';
import { call, get, path } from './api.ts';
import { useData } from './data.ts';
import { ActionDialog } from './dialog.tsx';
import { notify } from './notice.tsx';
import { Field, Panel, Time } from './parts.tsx';
import { go, link } from './route.ts';
import { useMay } from './session.ts';
import type { GatewayDetail } from './types.ts';

type Open = 'tags' | 'enable' | 'remove' | undefined;

export function GatewayManage({ gateway, reload }: { gateway: GatewayDetail; reload: () => void }) {
  const [open, setOpen] = useState<Open>();
  const mayChange = useMay('operator');
  const close = () => {
    setOpen(undefined);
    if (open !== 'remove') reload();
  };
  return (
    <Panel title="Manage">
      {mayChange && (
        <div class="actions start">
          <button type="button" onClick={() => setOpen('tags')}>
            Change tags …
          </button>
          <button type="button" onClick={() => setOpen('enable')}>
            Allow a new activation …
          </button>
          <button type="button" class="danger" onClick={() => setOpen('remove')}>
            Remove …
          </button>
        </div>
      )}
      <Activations gateway={gateway} />
      {open === 'tags' && <TagsDialog gateway={gateway} onClose={close} />}
      {open === 'enable' && <EnableDialog gateway={gateway} onClose={close} />}
      {open === 'remove' && <RemoveDialog gateway={gateway} onClose={close} />}
    </Panel>
  );
}

interface DialogProps {
  gateway: GatewayDetail;
  onClose: () => void;
}

function TagsDialog({ gateway: { product, serial, tags }, onClose }: DialogProps) {
  const [text, setText] = useState(tags.join(' '));
  const words = [...new Set(text.split(/[\s,]+/).filter((word) => word !== ''))];
  return (
    <ActionDialog
      title={`Tags of ${serial}`}
      does="Save tags"
      act={() => call('PUT', path('gateways', product, serial, 'tags'), { tags: words })}
      onClose={onClose}
    >
      <Field
        label="Tags"
        for="tags"
        hint="Words with a blank between; lists and rollouts can be narrowed down by them."
      >
        <input
          id="tags"
          autocomplete="off"
          aria-describedby="tags-hint"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </Field>
    </ActionDialog>
  );
}

function EnableDialog({ gateway: { product, serial }, onClose }: DialogProps) {
  return (
    <ActionDialog
      title={`Allow ${serial} to activate again?`}
      does="Allow activation"
      act={async () => {
        await call('POST', path('gateways', product, serial, 'enable'));
        notify(`${serial} may activate once within a day.`);
      }}
      onClose={onClose}
    >
      <p>
        For a gateway that lost its key or was replaced. The key that it has now becomes void: until it has
        activated anew, it cannot check in.
      </p>
    </ActionDialog>
  );
}

function RemoveDialog({ gateway: { product, serial }, onClose }: DialogProps) {
  return (
    <ActionDialog
      title={`Remove ${serial}?`}
      does="Remove gateway"
      danger
      act={async () => {
        await call('DELETE', path('gateways', product, serial));
        notify(`Removed ${serial}.`);
        go(link(product, 'gateways'));
      }}
      onClose={onClose}
    >
      <p>Its key becomes void, and all that it reported is deleted. This cannot be undone.</p>
    </ActionDialog>
  );
}

interface Activation {
  time: number;
  address: string;
  entry: string;
}

function Activations({ gateway: { product, serial, created } }: { gateway: GatewayDetail }) {
  const { data } = useData(
    (signal) => get<{ activations: Activation[] }>(path('gateways', product, serial, 'activations'), signal),
    [product, serial],
    (change) => change.serial === serial && change.type === 'gateway',
  );
  const entries = data?.activations ?? [];
  return (
    <details>
      <summary>Activations ({entries.length})</summary>
      <ul class="plain-list">
        {entries.map(({ time, address, entry }) => (
          <li key={time}>
            {entry} from <span class="mono">{address}</span> <Time at={time} />
          </li>
        ))}
        <li>
          added <Time at={created} />
        </li>
      </ul>
    </details>
  );
}
