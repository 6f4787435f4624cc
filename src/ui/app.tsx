/** The page as a whole: who is logged in, which product, which view. */
import { useEffect, useState } from 'preact/hooks';
import { type ApiError, call, get, whenLoggedOut } from './api.ts';
import { asApiError, useData } from './data.ts';
import { startLive, stopLive } from './live.ts';
import { Login } from './login.tsx';
import { Loading, Problem } from './parts.tsx';
import { useRoute } from './route.ts';
import { SessionContext } from './session.ts';
import { Shell } from './shell.tsx';
import type { Product, Whoami } from './types.ts';
import { View } from './view.tsx';

/** `undefined`: not known yet; `null`: nobody. */
type Who = Whoami | null | undefined;

export function App() {
  const [who, setWho] = useState<Who>();
  const [error, setError] = useState<ApiError>();
  const loggedOut = () => {
    keep(LOGGED_IN, '');
    setWho(null);
  };
  const loggedIn = (somebody: Whoami) => {
    keep(LOGGED_IN, 'yes');
    setWho(somebody);
  };
  const ask = () => {
    setError(undefined);
    // Whoever never logged in with this browser is not asked about: the answer would be a refusal.
    if (kept(LOGGED_IN) === '') return setWho(null);
    get<Whoami>('/session').then(setWho, (thrown: unknown) => {
      const failed = asApiError(thrown);
      if (failed.status === 401) loggedOut();
      else setError(failed);
    });
  };
  useEffect(() => {
    whenLoggedOut(loggedOut);
    ask();
  }, []);
  if (error !== undefined) {
    return (
      <main class="alone">
        <h1>gwe fleet</h1>
        <Problem error={error} retry={ask} />
      </main>
    );
  }
  if (who === undefined) return null;
  if (who === null) return <Login onLogin={loggedIn} />;
  return <LoggedIn who={who} onLogout={loggedOut} />;
}

function LoggedIn({ who, onLogout }: { who: Whoami; onLogout: () => void }) {
  const route = useRoute();
  const { data, error, reload } = useData((signal) => get<{ products: Product[] }>('/products', signal), []);
  const products = data?.products ?? [];
  const product =
    products.find(({ id }) => id === (route.product || kept(PRODUCT)))?.id ?? products[0]?.id ?? '';
  useEffect(() => {
    if (product === '') return;
    keep(PRODUCT, product);
    startLive(product);
    return stopLive;
  }, [product]);
  const logOut = () => {
    stopLive();
    call('DELETE', '/session').then(onLogout, onLogout);
  };
  // What was there once stays, also while the platform cannot be reached: what a person was typing stands in it.
  if (data === undefined) return error === undefined ? <Loading /> : <Problem error={error} retry={reload} />;
  return (
    <SessionContext.Provider value={{ who, products, product, reloadProducts: reload, logOut }}>
      <Shell route={route}>
        <View route={route} />
      </Shell>
    </SessionContext.Provider>
  );
}

const PRODUCT = 'gwe-product';
const LOGGED_IN = 'gwe-logged-in';

/** What this browser keeps for us; '' when it keeps nothing. */
function kept(key: string): string {
  try {
    return localStorage.getItem(key) ?? '';
  } catch {
    return '';
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Then one logs in again, and starts with the first product.
  }
}
