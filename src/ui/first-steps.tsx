/** What to do while there is nothing yet: make a product, add a gateway, and what to type on that gateway. */
import { useState } from 'preact/hooks';
import { call } from './api.ts';
import { useAction } from './data.ts';
import { ActionDialog } from './dialog.tsx';
import { notify } from './notice.tsx';
import { Commands, Empty, Field, Problem } from './parts.tsx';
import { go, link } from './route.ts';
import { useMay, useSession } from './session.ts';

export function FirstProduct() {
  const { reloadProducts } = useSession();
  const isAdmin = useMay('admin');
  const [id, setId] = useState('');
  const { busy, error, act } = useAction();
  const submit = async (event: Event) => {
    event.preventDefault();
    const done = await act(() => call('POST', '/products', { id: id.trim() }));
    if (!done) return;
    reloadProducts();
    go(link(id.trim(), 'gateways'));
  };
  return (
    <>
      <h1>Welcome</h1>
      <Empty title="There is no product yet.">
        <p>A product is a kind of gateway. Gateways and the applications for them belong to one.</p>
        {isAdmin ? (
          <form onSubmit={submit} class="inline">
            <Field
              label="Name of the product"
              for="product-id"
              hint="Letters, digits, - and _; for instance pump-gateway"
            >
              <input
                id="product-id"
                required
                value={id}
                aria-describedby="product-id-hint"
                onInput={(event) => setId(event.currentTarget.value)}
              />
            </Field>
            <Problem error={error} />
            <button type="submit" class="primary" disabled={busy || id.trim() === ''}>
              Create product
            </button>
          </form>
        ) : (
          <p>Ask an admin of this platform to make one, or for a token that is for your product.</p>
        )}
      </Empty>
    </>
  );
}

/** What is typed on a gateway so that it comes to this platform. */
export function gatewayCommands(product: string, serial: string): string {
  // To its own machine gwe speaks without encryption by itself.
  const isClear = location.protocol === 'http:' && !isLoopback();
  return [
    ...(isClear ? ['gwe config set engine.allow_http true'] : []),
    `gwe --set-server ${location.origin} --set-product-id ${product} --set-uuid ${serial}`,
    'gwe --check-now',
  ].join('\n');
}

function isLoopback(): boolean {
  return /^(localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);
}

/** The commands for a gateway, and what to do where they do not fit. */
export function GatewayCommands({ product, serial }: { product: string; serial: string }) {
  return (
    <>
      <Commands text={gatewayCommands(product, serial)} label="commands for the gateway" />
      <p class="quiet">
        Is gwe not running there yet, for instance because you try it out on this computer? Then type{' '}
        <code>gwe</code> in the place of the last line: it checks in, and goes on in that terminal.
        {isLoopback() &&
          ` ${location.host} is reached from this computer only: for a gateway elsewhere start the platform with --listen, and open this page under an address that the gateway reaches.`}
      </p>
    </>
  );
}

/** Lets a serial number be added, then shows what to type there. */
export function AddGateway({ product, onClose }: { product: string; onClose: () => void }) {
  const [serial, setSerial] = useState('');
  return (
    <ActionDialog
      title="Add a gateway"
      does="Add gateway"
      disabled={serial.trim() === ''}
      onClose={onClose}
      act={async () => {
        await call('POST', '/gateways', { product, serial: serial.trim() });
        notify(`Added ${serial.trim()}. Now type the commands on it.`);
        go(link(product, 'gateways', [serial.trim()]));
      }}
    >
      <Field
        label="Serial number"
        for="serial"
        hint="What the gateway calls itself: its uuid, or the MAC address of an interface. It may activate once."
      >
        <input
          id="serial"
          required
          autoFocus
          autocomplete="off"
          aria-describedby="serial-hint"
          value={serial}
          onInput={(event) => setSerial(event.currentTarget.value)}
        />
      </Field>
      <p>Then, on the gateway:</p>
      <Commands text={gatewayCommands(product, serial.trim() || 'SERIAL')} label="commands for the gateway" />
    </ActionDialog>
  );
}
