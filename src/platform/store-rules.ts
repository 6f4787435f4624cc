/** What holds in every store, whatever engine is under it: its transactions read, ask here, and write. Pure. */
import type { Token } from './fleet-store.ts';
import type { GatewayState } from './store.ts';

/** The dataports that every gateway has, because the protocol names them; others are made by the operator. */
export const OWN_ALIASES: ReadonlySet<string> = new Set([
  'usage_report',
  'device_info',
  'engine_report',
  'report_digest',
  'engine_fetch',
  'fetch_status',
  'update_interval',
]);

/** Whether writes may be made that are bound to `ifMatch`: the newest point of each alias is one of them, or there is none. */
export function areMatched(ifMatch: readonly number[], points: ReadonlyArray<number | undefined>): boolean {
  return points.every((point) => ifMatch.includes(point ?? 0));
}

/** What a gateway's state is worth now: the time in which it may be activated ends. */
export function stateAt(state: GatewayState, enabledUntil_ms: unknown, now_ms: number): GatewayState {
  const isOver = typeof enabledUntil_ms === 'number' && enabledUntil_ms < now_ms;
  return state === 'enabled' && isOver ? 'disabled' : state;
}

/** Whether a client may move to another serial number: it was used, and that one never. */
export function mayRemap(client: GatewayState, target: GatewayState): boolean {
  return client !== 'unused' && target === 'unused';
}

/** How the removal of a token ends: the last one that can make further tokens stays. */
export function tokenRemoval(
  tokens: readonly Token[],
  name: string,
  now_ms: number,
): 'removed' | 'unknown' | 'last' {
  if (!tokens.some((token) => token.name === name)) return 'unknown';
  const isMaker = ({ role, products, expires_ms }: Token) =>
    role === 'admin' && products === undefined && (expires_ms === undefined || expires_ms > now_ms);
  return tokens.some((token) => token.name !== name && isMaker(token)) ? 'removed' : 'last';
}
