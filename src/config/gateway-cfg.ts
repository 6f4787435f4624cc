/** Gateway.cfg: who this gateway is. Read and written as the original does: five keys, unset ones as two quotes. */
import { parseIni, setIniValue } from '../host/ini.ts';
import { usingFile } from './ini-file.ts';

export const GATEWAY_KEYS = ['cik', 'model', 'vendor', 'uuid', 'iface'] as const;
export type GatewayKey = (typeof GATEWAY_KEYS)[number];
/** The identity of a gateway; what is not set is `undefined`. */
export type Gateway = { readonly [Key in GatewayKey]: string | undefined };

/** Gateway.cfg as it is shipped. */
export const EMPTY_GATEWAY_CFG = `[device]\n${GATEWAY_KEYS.map((key) => `${key} = ''\n`).join('')}\n`;

/** Reads the text of Gateway.cfg. Raises `config` when it is not INI. */
export function readGatewayCfg(text: string): Gateway {
  const device = usingFile('Gateway.cfg', () => parseIni(text)).get('device');
  const value = (key: GatewayKey) => device?.get(key)?.replace(/^(['"])(.*)\1$/, '$2') || undefined;
  return {
    cik: value('cik'),
    model: value('model'),
    vendor: value('vendor'),
    uuid: value('uuid'),
    iface: value('iface'),
  };
}

/** The text of Gateway.cfg with some keys changed (`''` unsets one); comments and unknown keys stay. Raises `config` when it is not INI, or a value has a line break. */
export function changeGatewayCfg(text: string, changes: Partial<Record<GatewayKey, string>>): string {
  const start = text.trim() === '' ? EMPTY_GATEWAY_CFG : text;
  const change = (changed: string, key: GatewayKey) => {
    const value = changes[key];
    return value === undefined ? changed : setIniValue(changed, 'device', key, value === '' ? "''" : value);
  };
  return usingFile('Gateway.cfg', () => GATEWAY_KEYS.reduce(change, start));
}
