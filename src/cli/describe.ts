/** A row of the tables in words: the one form that help, man page and reference have in common. Pure. */
import { formatSetting, SETTINGS, type SettingName } from '../config/settings.ts';
import { VERSION } from '../host/version.ts';
import type { CommandRow } from './command-row.ts';
import type { OptionRow } from './options.ts';
import { expected } from './values.ts';

/** `-P, --set-product-id PRODUCT_ID`; flags without a letter are indented to stand below the others. */
export function flagTerm(row: OptionRow): string {
  const names = row.short === undefined ? `    --${row.long}` : `-${row.short}, --${row.long}`;
  return row.value === undefined ? names : `${names} ${row.value}${row.takesMany ? '…' : ''}`;
}

/** The row's sentence with what its value may be and what holds when it was never given. */
export function flagSentence(row: OptionRow): string {
  const remarks: string[] = [];
  if (row.type?.kind === 'setting') {
    const setting = SETTINGS[row.type.name];
    if (setting.type === 'integer')
      remarks.push(`${setting.min} to ${setting.max} ${setting.unit ?? ''}`.trim());
    if (setting.type === 'choice') remarks.push(setting.choices.join(', '));
    if (setting.default !== '') remarks.push(`default ${defaultInWords(row.type.name)}`);
  } else if (row.type?.kind === 'integer' || row.type?.kind === 'choice') {
    remarks.push(expected(row.type));
  }
  if (row.alias !== undefined) remarks.push(`also --${row.alias}`);
  return remarks.length === 0 ? row.sentence : `${row.sentence} (${remarks.join('; ')})`;
}

/** Rows by their group, in the order of `groups`, then of first appearance; groups without a row are left out. */
export function byGroup<Row extends { readonly group: string }>(
  rows: readonly Row[],
  groups: readonly string[],
): Array<readonly [group: string, rows: Row[]]> {
  const names = [...new Set([...groups, ...rows.map(({ group }) => group)])];
  return names
    .map((name) => [name, rows.filter(({ group }) => group === name)] as const)
    .filter(([, found]) => found.length > 0);
}

/** A command's name with its operands: `deploy SERIAL TARBALL…`. */
export function commandTerm(row: CommandRow): string {
  const operands = row.operands.map(({ name, optional, repeats }) => {
    const many = repeats ? `${name}…` : name;
    return optional ? `[${many}]` : many;
  });
  return [row.name, ...operands].join(' ');
}

/** A setting's default as documents show it: the same for every version of gwe. */
export function defaultInWords(name: SettingName): string {
  return formatSetting(SETTINGS[name].default).replace(VERSION, 'VERSION');
}
