/** What stands around every view: skip link, navigation, product, account. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { useLiveState } from './live.ts';
import { Notices } from './notice.tsx';
import { go, link, type Route } from './route.ts';
import { useMay, useSession } from './session.ts';
import { ThemeButton } from './theme.tsx';

const VIEWS = [
  ['overview', 'Overview'],
  ['gateways', 'Gateways'],
  ['content', 'Content'],
  ['rollouts', 'Rollouts'],
] as const;
const ADMIN_VIEWS = [
  ['audit', 'Audit'],
  ['tokens', 'Tokens'],
] as const;

export function Shell({ route, children }: { route: Route; children: ComponentChildren }) {
  const { who, logOut } = useSession();
  const main = useRef<HTMLElement>(null);
  const where = [route.product, route.view, ...route.rest].join('/');
  const first = useRef(true);
  useEffect(() => {
    const title = main.current?.querySelector('h1')?.textContent;
    document.title = title ? `${title} · gwe fleet` : 'gwe fleet';
    // Whoever came by a link is put where the new view begins; the first view leaves the focus where the browser has it.
    if (!first.current) main.current?.focus();
    first.current = false;
    scrollTo(0, 0);
  }, [where]);
  return (
    <div class="shell">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <header>
        <div class="brand">
          <span aria-hidden="true">⇡</span> gwe
        </div>
        <ProductChoice route={route} />
        <Navigation route={route} />
        <div class="account">
          <LiveSign />
          <ThemeButton />
          <button type="button" class="plain" onClick={logOut}>
            <span aria-hidden="true">↪</span> Log out <span class="who">{who.name}</span>
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
      <Notices />
    </div>
  );
}

function Navigation({ route }: { route: Route }) {
  const { product } = useSession();
  const isAdmin = useMay('admin');
  const item = (view: string, name: string, to: string) => (
    <li key={view}>
      <a href={to} aria-current={route.view === view ? 'page' : undefined}>
        {name}
      </a>
    </li>
  );
  return (
    <nav aria-label="Views">
      <ul>
        {VIEWS.map(([view, name]) => item(view, name, link(product, view)))}
        {isAdmin && ADMIN_VIEWS.map(([view, name]) => item(view, name, link('', view)))}
      </ul>
    </nav>
  );
}

function ProductChoice({ route }: { route: Route }) {
  const { product, products } = useSession();
  if (products.length === 0) return null;
  return (
    <div class="product">
      <label for="product" class="hidden">
        Product
      </label>
      <select
        id="product"
        value={product}
        onChange={(event) =>
          go(link(event.currentTarget.value, route.product === '' ? 'overview' : route.view))
        }
      >
        {products.map(({ id }) => (
          <option key={id} value={id}>
            {id}
          </option>
        ))}
      </select>
    </div>
  );
}

function LiveSign() {
  const state = useLiveState();
  if (state === 'off') return null;
  const [tone, text, title] =
    state === 'live'
      ? (['good', 'Live', 'Changes are shown as they happen.'] as const)
      : ([
          'warn',
          'Every 15 s',
          'The live connection is interrupted; the page asks every 15 seconds.',
        ] as const);
  return (
    <span class={`live badge ${tone}`} title={title} role="status">
      <span aria-hidden="true">{state === 'live' ? '●' : '◌'}</span> {text}
    </span>
  );
}
