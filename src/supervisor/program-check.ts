/**
 * What supervisord requires of the values of a `[program:x]` section (its documentation: "[program:x] Section Settings",
 * "Environment variables"), as a table of rules. It ignores keys that it does not know, and so do we. Pure but for the
 * question whether a log's folder is there.
 */
import { statSync } from 'node:fs';
import { constants } from 'node:os';
import { GweError } from '../errors.ts';

/** What is wrong with a value, or `undefined`. */
type Rule = (value: string) => string | undefined;

const matching =
  (pattern: RegExp, expected: string): Rule =>
  (value) =>
    pattern.test(value) ? undefined : `expected ${expected}`;

const integer = matching(/^[+-]?\d{1,9}$/, 'a whole number');
const boolean = matching(/^(yes|no|true|false|on|off|0|1)$/i, 'true or false');
const byteSize = matching(/^[+-]?\d{1,12} *([KMG]B)?$/i, 'a size such as 200KB');
const anything: Rule = () => undefined;

const RULES: Record<string, Rule> = {
  command: (value) => (value === '' ? 'it is empty' : undefined),
  process_name: matching(/^[^ :/]+$/, 'a name without blanks, colons and slashes'),
  priority: integer,
  autostart: boolean,
  autorestart: matching(/^(yes|no|true|false|on|off|0|1|unexpected)$/i, 'true, false or unexpected'),
  startsecs: integer,
  startretries: integer,
  stopsignal: (value) => {
    const name = value.toUpperCase().replace(/^(?!SIG|\d)/, 'SIG');
    const known = Object.hasOwn(constants.signals, name) || /^([1-9]|[12]\d|3[01])$/.test(name);
    return known ? undefined : 'it names no signal';
  },
  stopwaitsecs: integer,
  stopasgroup: boolean,
  killasgroup: boolean,
  exitcodes: matching(
    /^(\s*(\d|\d\d|1\d\d|2[0-4]\d|25[0-5])\s*(,(?!$)|$))*$/,
    'numbers from 0 to 255 with commas between',
  ),
  redirect_stderr: boolean,
  numprocs: matching(/^[1-9]\d{0,2}$/, 'a number from 1 to 999'),
  numprocs_start: integer,
  environment,
  user: (value) => (value === '' ? 'it is empty' : undefined),
  umask: matching(/^(0o)?[0-7]{1,4}$/, 'an octal number'),
  directory: anything,
  serverurl: anything,
  stdout_logfile: logFile,
  stdout_logfile_maxbytes: byteSize,
  stdout_logfile_backups: integer,
  stdout_capture_maxbytes: byteSize,
  stdout_events_enabled: boolean,
  stdout_syslog: boolean,
  stderr_logfile: logFile,
  stderr_logfile_maxbytes: byteSize,
  stderr_logfile_backups: integer,
  stderr_capture_maxbytes: byteSize,
  stderr_events_enabled: boolean,
  stderr_syslog: boolean,
};

/** Raises `check`, naming key, value and what was expected, for the first value that supervisord would refuse. */
export function checkProgram(section: ReadonlyMap<string, string>): void {
  for (const [key, written] of section) {
    if (!/^[\w.-]+$/.test(key)) throw refused(key, written, 'the key has other than letters, digits, . _ -');
    if (written.includes('\0')) throw refused(key, written, 'it has a NUL character');
    const rule = Object.hasOwn(RULES, key) ? RULES[key] : undefined;
    if (rule === undefined) continue;
    const problem = valueProblem(key, asRead(written), rule);
    if (problem !== undefined) throw refused(key, written, problem);
  }
  checkTogether(section);
}

function valueProblem(key: string, value: string, rule: Rule): string | undefined {
  // Names of log files are expanded twice (seen in supervisord 4.2.5), so there it takes four for one.
  const escaped = /^std(out|err)_logfile$/.test(key) ? '%%%%' : '%%';
  const bare = value.replaceAll(escaped, '');
  return bare.includes('%') ? expansionProblem(key, bare, escaped) : rule(value.replaceAll(escaped, '%'));
}

function checkTogether(section: ReadonlyMap<string, string>): void {
  const isOn = (key: string) => /^(yes|true|on|1)$/i.test(asRead(section.get(key) ?? ''));
  if (isOn('stopasgroup') && section.has('killasgroup') && !isOn('killasgroup')) {
    throw refused('killasgroup', section.get('killasgroup') ?? '', 'stopasgroup is on, so it must be on too');
  }
  const name = section.get('process_name') ?? '';
  if (Number(asRead(section.get('numprocs') ?? '1')) > 1 && !name.includes('%(process_num)')) {
    throw refused('process_name', name, 'it must hold %(process_num)s when numprocs is over 1');
  }
}

/** As supervisord sees it: comments that follow a blank cut off. */
function asRead(written: string): string {
  const lines = written.split(/\r\n|\r|\n/).map((line, index) => (index === 0 ? line : ` ${line}`));
  return lines
    .map((line) => line.replace(/\s[;#].*$/, '').trim())
    .join('\n')
    .trim();
}

const TEXT_NAME = /%\((here|program_name|host_node_name|group_name|ENV_\w+)\)-?\d{0,3}s/g;
const NUMBER_NAME = /%\((process_num|numprocs)\)[-+ #0]?\d{0,3}[sdi]/g;
/** Read for each process; all other keys are read once, before there is a number of a process. */
const OF_A_PROCESS = /^(command|directory|environment|process_name|std(out|err)_logfile.*)$/;

/** What is wrong with the percent signs of a value from which the escaped ones have been taken out. */
function expansionProblem(key: string, value: string, escaped: string): string | undefined {
  const bare = value.replace(TEXT_NAME, '');
  if (bare.replace(NUMBER_NAME, '').includes('%')) {
    return `a percent sign must be written ${escaped}, or begin a name such as %(program_name)s`;
  }
  if (bare.includes('%') && !OF_A_PROCESS.test(key)) return 'the number of a process means nothing here';
  return undefined;
}

/** `KEY="value",KEY2=value2` as Python's shlex takes it apart. */
function environment(value: string): string | undefined {
  const tokens =
    value.match(/"[^"]*"|'[^']*'|[\w/.+():-][\w/.+():'"-]*|\S/g)?.filter((token) => token !== '') ?? [];
  for (let at = 0; at < tokens.length; at += 4) {
    const [key, equals, word] = tokens.slice(at, at + 3);
    if (equals !== '=' || word === undefined || key === undefined) return 'expected KEY="value",KEY2="value"';
    if (/^["']$/.test(word) || /^["']$/.test(key)) return 'a quotation mark is not closed';
  }
  return undefined;
}

/** A log's folder must be there already: supervisord makes none. */
function logFile(value: string): string | undefined {
  const folder = value.slice(0, value.lastIndexOf('/')) || '/';
  if (!value.startsWith('/')) return undefined;
  const isFolder = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return isFolder ? undefined : `there is no folder ${folder}`;
}

function refused(key: string, value: string, problem: string): GweError {
  return new GweError('check', `Cannot use ${key} = "${value.slice(0, 80)}" of supervisor.conf: ${problem}`, {
    hint: 'supervisord would refuse its whole configuration for it. Correct the key and build the tarball again.',
  });
}
