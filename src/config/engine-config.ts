/** Engine.config: the file that holds the settings which differ from their defaults. Rules only; who reads files is places.ts. */
import { asGweError } from '../errors.ts';
import { parseIni, setIniValue } from '../host/ini.ts';
import { usingFile } from './ini-file.ts';
import {
  defaultSettings,
  formatSetting,
  parseSetting,
  SETTING_NAMES,
  type SettingName,
  type Settings,
  splitSettingName,
} from './settings.ts';

export interface SettingsRead {
  settings: Settings;
  /** One sentence for each value that could not be used; its default is in force. */
  problems: string[];
}

/** The settings that `text` of Engine.config asks for. A bad value costs itself only: its default stays, and a problem says so. */
export function readSettings(text: string): SettingsRead {
  const problems: string[] = [];
  const settings: Record<string, unknown> = { ...defaultSettings() };
  const attempt = (act: () => void) => {
    try {
      act();
    } catch (error) {
      problems.push(asGweError(error).message);
    }
  };
  attempt(() => {
    const ini = parseIni(text);
    for (const name of SETTING_NAMES) {
      const [section, key] = splitSettingName(name);
      const written = ini.get(section)?.get(key);
      if (written !== undefined) attempt(() => (settings[name] = parseSetting(name, written)));
    }
  });
  return { settings: settings as Settings, problems };
}

/** Sections in which a value that cannot be used is no small matter. */
const TRUSTED = ['security', 'budget'];

/**
 * The settings for whoever goes on to contact the platform or to install. Raises `config` where the file is not INI, or a
 * value of security.* or budget.* cannot be used: with the defaults the gateway's key would go to another platform than was
 * meant, something unsigned would be let in, or a line be used without limit. Everything else costs itself only, as in
 * `readSettings`.
 */
export function readTrustedSettings(text: string): SettingsRead {
  usingFile('Engine.config', () => {
    const ini = parseIni(text);
    for (const name of SETTING_NAMES) {
      const [section, key] = splitSettingName(name);
      if (!TRUSTED.includes(section)) continue;
      const written = ini.get(section)?.get(key);
      if (written !== undefined) parseSetting(name, written);
    }
  });
  return readSettings(text);
}

/** `text` of Engine.config with one setting changed. Raises `config` for a value that is out of range, or when the text is not INI. */
export function changeSetting(text: string, name: SettingName, written: string): string {
  const [section, key] = splitSettingName(name);
  const value = formatSetting(parseSetting(name, written));
  return usingFile('Engine.config', () => setIniValue(text, section, key, value));
}
