/**
 * The files at the top of an application tarball that gwe itself reads: install.sh, health.sh, uninstall.sh and
 * supervisor.conf. Pure rules over what the pass has kept of them.
 */
import { isUtf8 } from 'node:buffer';
import { GweError } from '../errors.ts';
import { iniSections, parseIni } from '../host/ini.ts';
import { type CheckId, failed } from './checks.ts';
import type { Admitted } from './entry-rules.ts';

/** Of a script, so much is kept to see its first line. */
export const FIRST_LINE_MAX_BYTES = 256;
/** Largest supervisor.conf. */
export const SUPERVISOR_CONF_MAX_BYTES = 64 * 1024;

/** How many bytes of each file at the top are kept. */
const KEPT_BYTES: Readonly<Record<string, number>> = {
  'install.sh': FIRST_LINE_MAX_BYTES,
  'health.sh': FIRST_LINE_MAX_BYTES,
  'uninstall.sh': FIRST_LINE_MAX_BYTES,
  'supervisor.conf': SUPERVISOR_CONF_MAX_BYTES,
};

/** What the pass noted of one of the files at the top. */
export interface TopFile {
  entry: Admitted;
  /** The first bytes of it, as many as are kept. */
  head: Buffer;
}
export type TopFiles = Map<string, TopFile>;

/** How many bytes of the entry at `path` the pass keeps for the rules here; 0 = it is none of theirs. */
export function keptBytes(path: string): number {
  return Object.hasOwn(KEPT_BYTES, path) ? (KEPT_BYTES[path] ?? 0) : 0;
}

export interface TopFacts {
  hasSupervisorConf: boolean;
  hasHealth: boolean;
  hasUninstall: boolean;
  /** The options of its section [supervisord]. */
  supervisorConf?: Map<string, string>;
}

/**
 * Judges the files at the top. `strays` are the paths of a setup.py at the top and of an install.sh elsewhere, which
 * explain a missing install.sh. Raises `check`, in the order of the table.
 */
export function judgeTopFiles(files: TopFiles, strays: readonly string[]): TopFacts {
  const install = files.get('install.sh');
  if (install === undefined) throw missingInstall(strays);
  judgeScript('install.sh', install);
  const health = files.get('health.sh');
  if (health !== undefined) judgeScript('health.sh', health);
  const uninstall = files.get('uninstall.sh');
  if (uninstall !== undefined) judgeScript('uninstall.sh', uninstall);
  const conf = files.get('supervisor.conf');
  const facts = {
    hasSupervisorConf: conf !== undefined,
    hasHealth: health !== undefined,
    hasUninstall: uninstall !== undefined,
  };
  return conf === undefined ? facts : { ...facts, supervisorConf: readSupervisorConf(conf) };
}

function missingInstall(strays: readonly string[]) {
  if (strays.includes('setup.py')) {
    return failed(
      'install.sh',
      'is missing: there is only a setup.py, and gateways need not have Python',
      'install.sh',
      'Put an install.sh at the top that does what setup.py did (it may call "python3 setup.py install").',
    );
  }
  const elsewhere = strays[0];
  if (elsewhere === undefined) return failed('install.sh', 'is missing', 'install.sh');
  return failed(
    'install.sh',
    `is missing at the top: there is one at ${JSON.stringify(elsewhere)}`,
    'install.sh',
    'Pack from inside that folder: tar czf APP.vVERSION.tar.gz -C FOLDER .',
  );
}

function judgeScript(check: CheckId, { entry, head }: TopFile): void {
  const why = wrongScript(entry, head);
  if (why !== undefined) throw failed(check, why, check);
}

function wrongScript(entry: Admitted, head: Buffer): string | undefined {
  if (entry.kind !== 'file') return notAFile(entry);
  if ((entry.mode & 0o100) === 0)
    return `lacks its x bit (its mode is ${entry.mode.toString(8).padStart(3, '0')})`;
  const firstLine = head.toString('latin1').split('\n', 1)[0] ?? '';
  if (!firstLine.startsWith('#!')) return 'does not begin with "#!"';
  if (firstLine.endsWith('\r'))
    return 'has a carriage return at the end of its first line (a Windows line ending)';
  if (firstLine.slice(2).trim() === '') return 'names no interpreter after "#!"';
  return undefined;
}

function notAFile(entry: Admitted): string {
  if (entry.kind === 'folder') return 'is a folder, not a regular file';
  return `is a ${entry.kind === 'symlink' ? 'symbolic' : 'hard'} link, not a regular file`;
}

/** The options of [supervisord] (the original: "supervisor.conf's [supervisord] becomes [program:APP]"). */
function readSupervisorConf({ entry, head }: TopFile): Map<string, string> {
  const wrong = (why: string) => failed('supervisor.conf', why, 'supervisor.conf');
  if (entry.kind !== 'file') throw wrong(notAFile(entry));
  if (entry.size_bytes > SUPERVISOR_CONF_MAX_BYTES)
    throw wrong(`is longer than ${SUPERVISOR_CONF_MAX_BYTES} bytes`);
  if (!isUtf8(head) || head.includes(0)) throw wrong('is not UTF-8 text');
  const text = head.toString('utf8').replace(/^\ufeff/, '');
  const sections = iniSections(text);
  if (sections.length !== 1 || sections[0] !== 'supervisord') throw wrong(wrongSections(sections));
  try {
    return parseIni(text).get('supervisord') ?? new Map();
  } catch (error) {
    throw error instanceof GweError ? wrong(`is no INI file: ${error.message}`) : error;
  }
}

function wrongSections(sections: readonly string[]): string {
  if (sections.length === 0) return 'has no section';
  return `has the section${sections.length === 1 ? '' : 's'} ${sections
    .map((name) => `[${name}]`)
    .join(', ')
    .slice(0, 200)}`;
}
