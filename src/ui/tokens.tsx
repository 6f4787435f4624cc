/** The tokens: who may do what. A new one is shown once. */
import { useState } from 'preact/hooks';
import { call, get, path } from './api.ts';
import { useData } from './data.ts';
import { ActionDialog, Dialog } from './dialog.tsx';
import { notify } from './notice.tsx';
import { Badge, Commands, Field, Loading, Problem, Time } from './parts.tsx';
import { Scroll } from './scroll.tsx';
import { useSession } from './session.ts';
import type { Role, Token } from './types.ts';

const ROLES: readonly (readonly [Role, string])[] = [
  ['viewer', 'sees everything, changes nothing'],
  ['operator', 'adds gateways, uploads, deploys, rolls out'],
  ['admin', 'all that, and tokens, products, audit'],
];
const DAY_MS = 86_400_000;

export function Tokens() {
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<{ name: string; token: string } | undefined>();
  const [revoking, setRevoking] = useState<string | undefined>();
  const { data, error, reload } = useData((signal) => get<{ tokens: Token[] }>('/tokens', signal), []);
  return (
    <>
      <div class="view-head">
        <h1>Tokens</h1>
        <div class="actions">
          <button type="button" class="primary" onClick={() => setCreating(true)}>
            New token …
          </button>
        </div>
      </div>
      <Problem error={error} retry={reload} />
      {data === undefined && error === undefined && <Loading />}
      {data !== undefined && <TokenTable tokens={data.tokens} onRevoke={setRevoking} />}
      {creating && (
        <NewToken
          onMade={setMade}
          onClose={() => {
            setCreating(false);
            reload();
          }}
        />
      )}
      {made !== undefined && !creating && (
        <Dialog title={`Token ${made.name}`} onClose={() => setMade(undefined)}>
          <p>
            <strong>Copy it now: it is shown only this once.</strong>
          </p>
          <Commands text={made.token} label="the token" />
        </Dialog>
      )}
      {revoking !== undefined && (
        <ActionDialog
          title={`Revoke ${revoking}?`}
          does="Revoke token"
          danger
          onClose={() => {
            setRevoking(undefined);
            reload();
          }}
          act={async () => {
            await call('DELETE', path('tokens', revoking));
            notify(`Revoked ${revoking}.`);
          }}
        >
          <p>Whoever uses it is refused from now on, and browsers that logged in with it are logged out.</p>
        </ActionDialog>
      )}
    </>
  );
}

function TokenTable({ tokens, onRevoke }: { tokens: readonly Token[]; onRevoke: (name: string) => void }) {
  return (
    <Scroll label="Tokens">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Role</th>
            <th scope="col">Products</th>
            <th scope="col">Last used</th>
            <th scope="col">Made</th>
            <th scope="col">Expires</th>
            <th scope="col">
              <span class="hidden">Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map(({ name, role, products, lastUsed, created, expires, own }) => (
            <tr key={name}>
              <th scope="row">
                {name} {own === true && <Badge word="yours" />}
              </th>
              <td>{role}</td>
              <td>{products?.join(', ') ?? 'all'}</td>
              <td>
                <Time at={lastUsed} />
              </td>
              <td>
                <Time at={created} />
              </td>
              <td>
                <Time at={expires} />
              </td>
              <td>
                {own !== true && (
                  <button type="button" class="small danger" onClick={() => onRevoke(name)}>
                    Revoke<span class="hidden"> {name}</span> …
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function NewToken(props: { onMade: (made: { name: string; token: string }) => void; onClose: () => void }) {
  const { products } = useSession();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [only, setOnly] = useState('');
  const [days, setDays] = useState('365');
  const create = async () => {
    const made = await call<{ name: string; token: string }>('POST', '/tokens', {
      name: name.trim(),
      role,
      ...(only === '' ? {} : { products: [only] }),
      ...(days.trim() === '' ? {} : { expires: Date.now() + Number(days) * DAY_MS }),
    });
    props.onMade(made);
  };
  return (
    <ActionDialog
      title="New token"
      does="Create token"
      disabled={name.trim() === ''}
      act={create}
      onClose={props.onClose}
    >
      <Field label="Name" for="name" hint="Who or what uses it: it stands in the audit.">
        <input
          id="name"
          required
          autoFocus
          autocomplete="off"
          aria-describedby="name-hint"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </Field>
      <fieldset class="choose">
        <legend>Role</legend>
        {ROLES.map(([each, may]) => (
          <label key={each} class="choice">
            <input type="radio" name="role" checked={role === each} onChange={() => setRole(each)} />
            <span class="choice-name">
              <strong>{each}</strong>
            </span>
            <span class="quiet">{may}</span>
          </label>
        ))}
      </fieldset>
      <Field label="For" for="only">
        <select id="only" value={only} onChange={(event) => setOnly(event.currentTarget.value)}>
          <option value="">all products</option>
          {products.map(({ id }) => (
            <option key={id} value={id}>
              {id} only
            </option>
          ))}
        </select>
      </Field>
      <Field label="Expires after … days" for="days" hint="Empty: never.">
        <input
          id="days"
          type="number"
          min="1"
          aria-describedby="days-hint"
          value={days}
          onInput={(event) => setDays(event.currentTarget.value)}
        />
      </Field>
    </ActionDialog>
  );
}
