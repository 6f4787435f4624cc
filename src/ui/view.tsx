/** From where one is to the view that is shown there. */
import { Audit } from './audit.tsx';
import { ContentView } from './content.tsx';
import { ContentDetailView } from './content-detail.tsx';
import { FirstProduct } from './first-steps.tsx';
import { GatewayView } from './gateway.tsx';
import { Gateways } from './gateways.tsx';
import { OverviewView } from './overview.tsx';
import { Empty } from './parts.tsx';
import { RolloutView } from './rollout.tsx';
import { NewRollout } from './rollout-new.tsx';
import { Rollouts } from './rollouts.tsx';
import { link, type Route } from './route.ts';
import { useSession } from './session.ts';
import { Tokens } from './tokens.tsx';

export function View({ route }: { route: Route }) {
  const { product } = useSession();
  const [what] = route.rest;
  if (route.view === 'audit') return <Audit />;
  if (route.view === 'tokens') return <Tokens />;
  if (product === '') return <FirstProduct />;
  if (route.product !== '' && route.product !== product)
    return <NotThere what={`product ${route.product}`} />;
  switch (route.view) {
    case 'overview':
      return <OverviewView key={product} product={product} />;
    case 'gateways':
      if (what !== undefined) return <GatewayView key={what} product={product} serial={what} />;
      return <Gateways key={product} product={product} query={route.query} />;
    case 'content':
      if (what !== undefined) return <ContentDetailView key={what} product={product} id={what} />;
      return <ContentView key={product} product={product} />;
    case 'rollouts':
      if (what === 'new') return <NewRollout key={product} product={product} query={route.query} />;
      if (what !== undefined) return <RolloutView key={what} product={product} id={Number(what)} />;
      return <Rollouts key={product} product={product} />;
    default:
      return <NotThere what={`view ${route.view}`} />;
  }
}

function NotThere({ what }: { what: string }) {
  const { product } = useSession();
  return (
    <>
      <h1>Not found</h1>
      <Empty title={`There is no ${what} here.`}>
        <p>
          It was removed, or your token is not for it.{' '}
          <a href={link(product, 'overview')}>Go to the overview</a>
        </p>
      </Empty>
    </>
  );
}
