/** The door: a token becomes a session of this browser. */
import { useState } from 'preact/hooks';
import { call } from './api.ts';
import { useAction } from './data.ts';
import { Field, Problem } from './parts.tsx';
import type { Whoami } from './types.ts';

export function Login({ onLogin }: { onLogin: (who: Whoami) => void }) {
  const [token, setToken] = useState('');
  const { busy, error, act } = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    void act(async () => onLogin(await call<Whoami>('POST', '/session', { token: token.trim() })));
  };
  return (
    <main class="alone">
      <h1>gwe fleet</h1>
      <p class="quiet">Log in with a token of this platform.</p>
      <form class="panel" onSubmit={submit}>
        <Field
          label="Token"
          for="token"
          hint="40 characters. The first one was printed when the platform started for the first time; an admin makes more under Tokens."
        >
          <input
            id="token"
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            required
            autoFocus
            aria-describedby="token-hint"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </Field>
        <Problem error={error} />
        <div class="buttons">
          <button type="submit" class="primary" disabled={busy || token.trim() === ''}>
            {busy ? 'Logging in …' : 'Log in'}
          </button>
        </div>
      </form>
    </main>
  );
}
