/**
 * The flags that change Gateway.cfg and Engine.config. As with the original, a changed file is printed. All values have
 * been checked before the first file is written, so a call with a mistake in it changes nothing.
 */
import { changeSetting } from '../config/engine-config.ts';
import {
  EMPTY_GATEWAY_CFG,
  GATEWAY_KEYS,
  type GatewayKey,
  type readGatewayCfg,
} from '../config/gateway-cfg.ts';
import { loadGateway, type Places, saveGateway } from '../config/places.ts';
import type { SettingName } from '../config/settings.ts';
import { makeFolder, readIfThere, writeDurably } from '../host/files.ts';
import { macAddress } from '../host/network.ts';
import type { CommandArgs } from './command-row.ts';
import type { CommandContext } from './context.ts';
import { ENGINE_OPTIONS } from './options.ts';

/** Engine.config holds no secret, but who may change it decides what runs on the gateway. */
const ENGINE_CONFIG_MODE = 0o644;

/**
 * Stores what the `--set-…` flags say and prints each file that was changed. With `keepLevel`, the debug level is left
 * alone: it is meant for this call only.
 */
export function applySetters(
  context: CommandContext,
  args: CommandArgs,
  options: { keepLevel: boolean },
): void {
  const gateway = gatewayChanges(args);
  const settings = settingChanges(args).filter(
    ([name]) => !(options.keepLevel && name === 'engine.debug_level'),
  );
  if (Object.keys(gateway).length > 0) context.out(changeGateway(context, gateway));
  if (settings.length > 0) context.out(changeSettings(context.places, settings));
}

/** The keys of Gateway.cfg that the flags change; `''` unsets one. A flag for one key comes before --set-product-id. */
export function gatewayChanges(args: CommandArgs): Partial<Record<GatewayKey, string>> {
  const changes: Partial<Record<GatewayKey, string>> = {};
  const product = args.text('set-product-id');
  if (product !== undefined) Object.assign(changes, { model: bare(product), vendor: bare(product) });
  for (const key of GATEWAY_KEYS) {
    const value = args.text(`set-${key}`);
    if (value !== undefined) changes[key] = bare(value);
  }
  return changes;
}

/** The settings that the flags change, in the order of the table. */
export function settingChanges(args: CommandArgs): Array<readonly [SettingName, string]> {
  return ENGINE_OPTIONS.flatMap(({ long, type }) => {
    const value = args.text(long);
    return type?.kind === 'setting' && value !== undefined ? [[type.name, value] as const] : [];
  });
}

/** The original unsets a value by two quotes. */
function bare(value: string): string {
  return value === "''" || value === '""' ? '' : value;
}

function changeGateway(context: CommandContext, changes: Partial<Record<GatewayKey, string>>): string {
  const before = loadGateway(context.places);
  const text = saveGateway(context.places, changes);
  for (const remark of remarks(before, changes, macAddress)) context.err(`gwe: ${remark}\n`);
  return text;
}

/** What is worth saying about a change that was made all the same. */
export function remarks(
  before: ReturnType<typeof readGatewayCfg>,
  changes: Partial<Record<GatewayKey, string>>,
  macOf: (iface: string) => string | undefined,
): string[] {
  const said: string[] = [];
  const iface = changes.iface;
  if (iface) {
    const mac = macOf(iface);
    said.push(
      mac === undefined
        ? `interface ${iface} has no MAC address now; gwe will not start until it has one, or a uuid is set`
        : `interface ${iface} has the MAC address ${mac}${before.uuid && changes.uuid === undefined ? ', but the uuid that is set comes first' : ''}`,
    );
  }
  const moved = (['model', 'vendor', 'uuid'] as const).some(
    (key) => changes[key] !== undefined && (changes[key] || undefined) !== before[key],
  );
  if (moved && before.cik !== undefined && changes.cik === undefined) {
    said.push("the CIK still is the old identity's; to activate as the new one, run: gwe --set-cik ''");
  }
  return said;
}

/** Changes settings in Engine.config in one write and returns the file's new text. Raises `config` for a bad value. */
export function changeSettings(
  places: Places,
  changes: ReadonlyArray<readonly [SettingName, string]>,
): string {
  const before = readIfThere(places.engineConfig) ?? '';
  const text = changes.reduce((changed, [name, value]) => changeSetting(changed, name, value), before);
  makeFolder(places.config);
  writeDurably(places.engineConfig, text, ENGINE_CONFIG_MODE);
  return text;
}

/** Gateway.cfg as it is, or as it is shipped when there is none yet. */
export function gatewayCfgText(places: Places): string {
  return readIfThere(places.gatewayCfg) ?? EMPTY_GATEWAY_CFG;
}

/** Engine.config as it is; a comment when there is none. */
export function engineConfigText(places: Places): string {
  return (
    readIfThere(places.engineConfig) ??
    `# ${places.engineConfig} is not there: every setting has its default.\n`
  );
}
