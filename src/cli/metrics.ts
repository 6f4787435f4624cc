/**
 * `gwe metrics`: how this gateway stands, as Prometheus's text format; with --output as a file for the textfile collector
 * of node_exporter, replaced as a whole so that it is never read half written. Reads only.
 */
import { resolve } from 'node:path';
import { readIfThere, writeDurably } from '../host/files.ts';
import { VERSION } from '../host/version.ts';
import { emptyUsage, readUsage, type Usage } from '../reports/usage.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { type GatewayState, readGatewayState } from './gateway-state.ts';

/** The collector runs as somebody else. */
const READABLE_FILE_MODE = 0o644;

/** `gwe metrics [--output FILE]`. */
export async function run(context: CommandContext, args: CommandArgs): Promise<number> {
  const state = readGatewayState(context.places, context.clock);
  const usage = readUsage(readIfThere(context.places.usage)) ?? emptyUsage();
  const text = gatewayMetrics(state, usage);
  const file = args.text('output');
  if (file === undefined) context.out(text);
  else writeDurably(resolve(file), text, READABLE_FILE_MODE);
  return 0;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

/** The metrics as text. What is not known (no check-in yet) is left out. Pure. */
export function gatewayMetrics(state: GatewayState, usage: Usage): string {
  const { engine, settings, identity } = state;
  const product = identity === undefined ? {} : { product: identity.model, serial: identity.serial };
  const last = engine?.lastCheckIn;
  return [
    gauge('gwe_agent_info', 'Version and identity of gwe.', [[{ version: VERSION, ...product }, 1]]),
    gauge('gwe_agent_running', 'Whether an engine runs.', [[{}, state.engine_pid === undefined ? 0 : 1]]),
    gauge('gwe_agent_activated', 'Whether this gateway has a key.', [[{}, state.isActivated ? 1 : 0]]),
    gauge('gwe_agent_last_check_in_timestamp_seconds', 'When it last tried to check in.', at(last?.time_ms)),
    gauge(
      'gwe_agent_last_complete_check_in_timestamp_seconds',
      'When a check-in was last complete.',
      at(engine?.lastComplete_ms),
    ),
    gauge('gwe_agent_next_check_in_timestamp_seconds', 'When it tries next.', at(engine?.next?.time_ms)),
    gauge('gwe_agent_check_in_failures', 'Check-ins that failed since the last complete one.', [
      [{}, engine?.consecutiveFailures ?? 0],
    ]),
    gauge('gwe_agent_update_interval_seconds', 'From one check-in to the next.', [
      [{}, settings['engine.update_interval']],
    ]),
    gauge('gwe_agent_reports_waiting', 'Reports that wait to be sent.', [[{}, state.waitingReports]]),
    gauge('gwe_agent_instructions', 'Instructions that are not finished.', [[{}, unfinished(state)]]),
    gauge('gwe_agent_app_info', 'Installed applications.', state.apps.flatMap(appInfo)),
    gauge(
      'gwe_agent_app_installed_timestamp_seconds',
      'When the version that is in place was installed.',
      state.apps.flatMap(({ app, good }) =>
        good === undefined ? [] : [[{ app }, good.installed_ms / 1000] as const],
      ),
    ),
    gauge(
      'gwe_agent_app_last_install_ok',
      'Whether the last install of an application succeeded.',
      state.apps.flatMap(({ app, last: end }) =>
        end === undefined ? [] : [[{ app }, end.outcome === 'installed' ? 1 : 0] as const],
      ),
    ),
    gauge('gwe_agent_budget_used_bytes', 'What of the data budget is used.', budget(state, 'used_bytes')),
    gauge('gwe_agent_budget_limit_bytes', 'The data budget.', budget(state, 'limit_bytes')),
    gauge('gwe_agent_day_bytes', 'Bytes of the newest day with traffic (UTC).', traffic(usage)),
  ].join('');
}

function at(time_ms: number | undefined): Sample[] {
  return time_ms === undefined ? [] : [[{}, time_ms / 1000]];
}

function budget({ budget: view }: GatewayState, figure: 'used_bytes' | 'limit_bytes'): Sample[] {
  return (['day', 'month'] as const).flatMap((span): Sample[] => {
    const found = view?.[span];
    return found === undefined ? [] : [[{ span }, found[figure]]];
  });
}

function unfinished({ instructions }: GatewayState): number {
  return instructions.filter(({ items }) => items.some(({ phase }) => phase !== 'ended')).length;
}

function appInfo({ app, good }: GatewayState['apps'][number]): Sample[] {
  return good === undefined ? [] : [[{ app, version: good.version }, 1]];
}

function traffic({ day }: Usage): Sample[] {
  return Object.entries(day.interfaces).flatMap(([iface, methods]) =>
    Object.entries(methods).flatMap(([method, { tot_rx, tot_tx }]): Sample[] => [
      [{ iface, method, direction: 'received' }, tot_rx],
      [{ iface, method, direction: 'sent' }, tot_tx],
    ]),
  );
}

function gauge(name: string, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join('')}`;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Text exposition format: backslash, quote and line end are escaped within a label's value. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
