/** `gwe completion bash`: a script made from the tables. It needs bash alone, and starts no gwe while one types. */
import type { CommandArgs, CommandRow } from './command-row.ts';
import { CLIENT_COMMANDS, COMMANDS } from './commands.ts';
import type { CommandContext } from './context.ts';
import { CLIENT_OPTIONS, ENGINE_OPTIONS, HELP_OPTION, type OptionRow, type ValueKind } from './options.ts';
import { wordsFor } from './values.ts';

/** The command itself. */
export async function run(context: CommandContext, _args: CommandArgs): Promise<number> {
  context.out(bashCompletion());
  return 0;
}

/** The script for bash: one function for gwe and gdc. */
export function bashCompletion(): string {
  const cases = [
    ...programCases('gwe', ENGINE_OPTIONS, COMMANDS),
    ...programCases('gdc', CLIENT_OPTIONS, CLIENT_COMMANDS),
  ];
  return `${HEAD}${cases.map((line) => `    ${line}\n`).join('')}${TAIL}`;
}

/**
 * The case arms of one program. The key is "PROGRAM|COMMAND|WHAT": WHAT is `flags` for the flags, `words` for the first
 * operands and second words of commands, or a flag whose value is wanted.
 */
function programCases(
  program: string,
  options: readonly OptionRow[],
  commands: readonly CommandRow[],
): string[] {
  const firstWords = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? name))];
  const stems = firstWords.filter((word) => commands.some(({ name }) => name.startsWith(`${word} `)));
  return [
    ...flagCases(`${program}||`, options),
    arm(`${program}||words`, `words ${firstWords.join(' ')}`),
    ...stems.map((stem) =>
      arm(
        `${program}|${stem}|words`,
        `words ${commands.flatMap(({ name }) => (name.startsWith(`${stem} `) ? name.slice(stem.length + 1) : [])).join(' ')}`,
      ),
    ),
    ...commands.flatMap((row) => commandCases(program, row)),
  ];
}

function commandCases(program: string, row: CommandRow): string[] {
  const key = `${program}|${row.name}|`;
  const operands = row.operands.map(({ type }) => completer(type)).filter((each) => each !== undefined);
  return [
    ...flagCases(key, [...row.options, HELP_OPTION]),
    ...(operands[0] === undefined ? [] : [arm(`${key}words`, operands[0])]),
  ];
}

function flagCases(key: string, options: readonly OptionRow[]): string[] {
  const valued = options.filter(({ value }) => value !== undefined);
  return [
    arm(`${key}flags`, `words ${options.map(({ long }) => `--${long}`).join(' ')}`),
    ...valued.map((row) => {
      const names = [`--${row.long}`, ...(row.short === undefined ? [] : [`-${row.short}`])];
      return arm(names.map((name) => `${key}${name}`).join("'|'"), completer(row.type) ?? 'none');
    }),
  ];
}

/** What the shell does for a kind of value; `undefined` when it can offer nothing. */
function completer(type: ValueKind | undefined): string | undefined {
  if (type?.kind === 'file' || type?.kind === 'folder') return type.kind;
  if (type?.kind === 'interface' || (type?.kind === 'pattern' && type.expected.includes('interface')))
    return 'iface';
  const words = wordsFor(type);
  return words.length > 0 ? `words ${words.join(' ')}` : undefined;
}

function arm(pattern: string, action: string): string {
  return `'${pattern}') echo '${action}' ;;`;
}

const HEAD = `# bash completion for gwe and gdc; made by "gwe completion bash".
_gwe_what() {
  case "$1" in
`;

const TAIL = `  esac
}

_gwe() {
  local program=\${1##*/} current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= what
  # bash takes "=" as a word of its own: --flag=value comes as three.
  if [[ $current == '=' ]]; then current=; elif [[ $before == '=' ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if (( COMP_CWORD > 1 )) && [[ \${COMP_WORDS[1]} != -* ]]; then
    command=\${COMP_WORDS[1]}
    if (( COMP_CWORD > 2 )) && [[ -n $(_gwe_what "$program|$command \${COMP_WORDS[2]}|flags") ]]; then
      command+=" \${COMP_WORDS[2]}"
    fi
  fi
  what=
  [[ $before == -* ]] && what=$(_gwe_what "$program|$command|$before")
  if [[ -z $what && $current == -* ]]; then what=$(_gwe_what "$program|$command|flags")
  elif [[ -z $what ]]; then what=$(_gwe_what "$program|$command|words"); fi
  case "$what" in
    words*) COMPREPLY=($(compgen -W "\${what#words}" -- "$current")) ;;
    iface) COMPREPLY=($(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$current")) ;;
    folder) COMPREPLY=($(compgen -d -- "$current")) ;;
    none) COMPREPLY=() ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _gwe gwe gdc
`;
