/** A platform and a simulated fleet under one clock that stands still until it is moved: minutes pass as fast as they can be served. */
import type { TestContext } from 'node:test';
import { createSimulatedFleet, type SimulatedFleet } from '../../src/cli/simulated-fleet.ts';
import type { Behaviour } from '../../src/cli/simulated-gateway.ts';
import { openSimulatedHttp } from '../../src/cli/simulated-http.ts';
import { createLog } from '../../src/host/log.ts';
import { startPlatform } from '../../src/platform/platform.ts';
import { steppedClock } from '../platform/rollout-world.ts';
import { type Done, gwe, TOKEN, temporaryFolder } from './operator-fixture.ts';

const STEP_MS = 5_000;
/** Bytes under a name will do: simulated gateways look into no tarball. */
export const NAME = 'hello.v2.tar.gz';

export interface Played {
  fleet: SimulatedFleet;
  /** Lets so much time pass for both, step by step; ends early when `isEnough` says so. */
  play(duration_s: number, isEnough?: () => Promise<boolean>): Promise<void>;
  api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Runs a command as the operator. */
  gwe(args: readonly string[]): Promise<Done>;
  /** How many gateways of a rollout are in each state, without zeros. */
  counts(id: unknown): Promise<Record<string, number>>;
}

/** Starts both, with the product P1, its content, and so many gateways that have all checked in once. */
export async function playFleet(t: TestContext, count: number, change: Partial<Behaviour>): Promise<Played> {
  const folder = await temporaryFolder(t);
  const clock = steppedClock();
  const platform = await startPlatform({
    dataFolder: `${folder}/data`,
    host: '127.0.0.1',
    port: 0,
    vendor: 'gwe',
    presetToken: TOKEN,
    log: createLog('ERROR'),
    clock,
  });
  t.after(() => platform.close());
  const api: Played['api'] = async (method, path, body) => {
    const answer = await fetch(`${platform.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}` },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? {} : JSON.parse(text);
  };
  await api('POST', '/products', { id: 'P1' });
  await api('PUT', `/products/P1/content/${NAME}?force=true`, 'no tarball at all');
  const serials = Array.from({ length: count }, (_, at) => `sim-${String(at).padStart(5, '0')}`);
  await Promise.all(serials.map((serial) => api('POST', '/gateways', { product: 'P1', serial })));
  const http = await openSimulatedHttp(new URL(platform.url));
  t.after(() => http.close());
  const behaviour: Behaviour = {
    product: 'P1',
    interval_s: 60,
    install_s: 5,
    fail: 0,
    silent: { share: 0, after_s: 0 },
    unhealthy: 0,
    offline: 0,
    speed: 1,
    seed: 1,
    download: false,
    ...change,
  };
  const fleet = createSimulatedFleet(serials, behaviour, http, clock.now);
  const play: Played['play'] = async (duration_s, isEnough) => {
    for (let at_ms = 0; at_ms < duration_s * 1000; at_ms += STEP_MS) {
      clock.advance(STEP_MS);
      await fleet.runDue();
      if (await isEnough?.()) return;
    }
  };
  await play(behaviour.interval_s);
  const env = { HOME: folder, GWE_PLATFORM_URL: platform.url, GWE_PLATFORM_TOKEN: TOKEN };
  return {
    fleet,
    play,
    api,
    gwe: (args) => gwe(args, env, { clock }),
    async counts(id) {
      const counts = Object.entries(Object((await api('GET', `/rollouts/${id}`))['counts']));
      return Object.fromEntries(counts.flatMap(([state, n]) => (Number(n) > 0 ? [[state, Number(n)]] : [])));
    },
  };
}
