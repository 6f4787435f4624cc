/**
 * An application's supervisor.conf made into the program file that supervisord includes. Pure text; whether supervisord
 * would accept the values is program-check.ts's, who writes the file is up to the installer.
 */
import { GweError } from '../errors.ts';
import { checkProgram } from './program-check.ts';

/** supervisord reads a blank, a colon or a slash in a name as something else; the rest is what an application's name may hold. */
const PROGRAM_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** What the original fills in where the section does not say otherwise. */
function defaults(app: string, logFolder: string): Map<string, string> {
  return new Map([
    ['command', 'command'],
    ['stdout_logfile', `${logFolder.replace(/\/+$/, '')}/${app}.log`.replaceAll('%', '%%%%')],
    ['redirect_stderr', 'true'],
    ['stdout_logfile_maxbytes', '200KB'],
    ['stdout_logfile_backups', '1'],
  ]);
}

/**
 * The text of `APP.conf`: `[program:APP]` with the keys of the `[supervisord]` section of supervisor.conf, and the
 * defaults for those it leaves out. Raises `check`, naming the key, for what supervisord would refuse: as it refuses its
 * whole configuration for one such value, it would not start again after the next reboot, and neither would gwe.
 */
export function programText(app: string, section: ReadonlyMap<string, string>, logFolder: string): string {
  if (!PROGRAM_NAME.test(app)) {
    throw new GweError(
      'check',
      `Cannot make a program of "${app}": the name has other than A-Z a-z 0-9 . _ -`,
    );
  }
  const values = new Map([...section, ...[...defaults(app, logFolder)].filter(([key]) => !section.has(key))]);
  checkProgram(values);
  const lines = [...values].map(([key, value]) => `${key}=${indented(value)}\n`);
  return `; Written by gwe from the supervisor.conf of ${app}: changes here last until its next update.\n[program:${app}]\n${lines.join('')}`;
}

/**
 * A value over several lines, each but the first indented, so that none can pass for a section or a key. Python takes a
 * bare carriage return for the end of a line too; blank lines would go unindented, and mean nothing.
 */
function indented(value: string): string {
  return value
    .split(/\r\n|\r|\n/)
    .filter((line, index) => index === 0 || line.trim() !== '')
    .map((line, index) => (index === 0 ? line.trimEnd() : `    ${line.trim()}`))
    .join('\n');
}
