/**
 * What an application tarball must be: one table of checks, in the order in which they are reported, and the error that
 * a failing one raises. The rules themselves are pure functions beside (name, entry-rules, top-files); the pass over the
 * bytes is pass.ts.
 */
import { GweError } from '../errors.ts';

/** Limits that are counted while the bytes stream by, never after. */
export interface TarballLimits {
  maxTarball_bytes: number;
  /** Sum of the sizes of all files in it. */
  maxUnpacked_bytes: number;
  /** Files, folders and links. */
  maxEntries: number;
}

/** The limits of a gateway whose settings say nothing else. */
export const DEFAULT_LIMITS: TarballLimits = {
  maxTarball_bytes: 1024 ** 3,
  maxUnpacked_bytes: 4 * 1024 ** 3,
  maxEntries: 200_000,
};

interface Check {
  readonly id: string;
  /** Of several failures the one with the lowest step is told; of one step, the first that is met. */
  readonly step: number;
  /** What must be so, for documentation. */
  readonly sentence: string;
  /** What to do when it is not. */
  readonly hint: string;
}

/** Every check, in order. The first that fails discards the tarball. */
export const CHECKS = [
  {
    id: 'name',
    step: 1,
    sentence:
      'The name is APP.vVERSION.tar.gz, split at the last ".v", at most 200 bytes, without "/" and "..".',
    hint: 'Rename it to APP.vVERSION.tar.gz, for instance my_app.v1.2.tar.gz.',
  },
  {
    id: 'length',
    step: 2,
    sentence: 'It is as long as the Content Area announced.',
    hint: 'Upload the tarball again, then write the instruction again.',
  },
  {
    id: 'gzip',
    step: 3,
    sentence: 'It is one whole gzip member: header, checksum and length are right, and nothing follows it.',
    hint: 'Pack it again with "gwe --build-app" or "tar czf", and upload it again.',
  },
  {
    id: 'tar',
    step: 4,
    sentence:
      'The tar archive in it is whole: every header has its checksum, every entry all its bytes, and two empty blocks end it.',
    hint: 'Pack it again with "gwe --build-app" or "tar czf", and upload it again.',
  },
  {
    id: 'limits',
    step: 5,
    sentence: 'Its bytes, the bytes of its files, their number and their names are within the limits.',
    hint: 'Leave out what the gateway does not need, or raise download.max_tarball_bytes, install.max_unpacked_bytes or install.max_entries.',
  },
  {
    id: 'path',
    step: 6,
    sentence: 'Each entry has a relative path in UTF-8, without "..", inside the folder.',
    hint: 'Pack from inside the folder: tar czf APP.vVERSION.tar.gz -C FOLDER .',
  },
  {
    id: 'type',
    step: 6,
    sentence:
      'Each entry is a file, a folder, a hard or a symbolic link; never a device, a fifo or a socket, nor a sparse file.',
    hint: 'Leave it out of the tarball and have install.sh make it.',
  },
  {
    id: 'set-uid',
    step: 6,
    sentence: 'No entry has its set-uid or its set-gid bit.',
    hint: 'Run "chmod -s" on it before packing, and have install.sh set the bit where it is meant.',
  },
  {
    id: 'through-link',
    step: 6,
    sentence: 'No entry is written through a link or a file of the same tarball.',
    hint: 'Give the entry its real path, or leave the link out.',
  },
  {
    id: 'twice',
    step: 6,
    sentence: 'No path comes twice, except a folder.',
    hint: 'Pack it again from scratch instead of adding to an archive.',
  },
  {
    id: 'hard-link',
    step: 6,
    sentence: 'A hard link leads to a file that came before it in the same tarball.',
    hint: 'Pack it with "tar --hard-dereference", or with "gwe --build-app".',
  },
  {
    id: 'install.sh',
    step: 7,
    sentence:
      'install.sh lies at the top: a regular file with its x bit and a first line that begins with "#!".',
    hint: 'Put an install.sh that begins with "#!/bin/sh" at the top, "chmod +x" it, and pack again.',
  },
  {
    id: 'health.sh',
    step: 7,
    sentence: 'health.sh, if there, is a regular file with its x bit and a first line that begins with "#!".',
    hint: 'Have health.sh begin with "#!/bin/sh", "chmod +x" it, and pack again.',
  },
  {
    id: 'uninstall.sh',
    step: 7,
    sentence:
      'uninstall.sh, if there, is a regular file with its x bit and a first line that begins with "#!".',
    hint: 'Have uninstall.sh begin with "#!/bin/sh", "chmod +x" it, and pack again.',
  },
  {
    id: 'supervisor.conf',
    step: 8,
    sentence:
      'supervisor.conf, if there, is a regular UTF-8 INI file with exactly one section, [supervisord].',
    hint: 'Keep one section, [supervisord], with the options of the program, for instance "command = …".',
  },
  {
    id: 'signature',
    step: 9,
    sentence:
      'Where a signature is required, one of the trusted keys signed exactly this tarball under its name.',
    hint: 'Sign it with "gwe sign FILE" and upload FILE.minisig beside it.',
  },
] as const satisfies readonly Check[];

export type CheckId = (typeof CHECKS)[number]['id'];

/** A check that failed. Its message is `<check>: <why>`, so that a report reads `discarded: <check>: <why>`. */
export class CheckFailure extends GweError {
  readonly check: CheckId;
  /** The path of the entry that failed it, where it was one. */
  readonly entry: string | undefined;

  constructor(check: CheckId, why: string, entry: string | undefined, hint: string) {
    super(check === 'signature' ? 'signature' : 'check', `${check}: ${why}`, { hint });
    this.check = check;
    this.entry = entry;
  }
}

/** The failure of `check`. With `entry`, `why` goes on after its quoted name: `"bin/su" has its set-uid bit`. */
export function failed(check: CheckId, why: string, entry?: string, hint = rowOf(check).hint): CheckFailure {
  return new CheckFailure(check, entry === undefined ? why : `${quoted(entry)} ${why}`, entry, hint);
}

/** The one of two failures that is reported. */
export function firstOf(one: CheckFailure | undefined, other: CheckFailure): CheckFailure {
  return one === undefined || rowOf(other.check).step < rowOf(one.check).step ? other : one;
}

/** A text out of a tarball as it may stand in a message: quoted, escaped, cut. */
export function quoted(text: string): string {
  const QUOTED_MAX_CHARACTERS = 120;
  return JSON.stringify(
    text.length > QUOTED_MAX_CHARACTERS ? `${text.slice(0, QUOTED_MAX_CHARACTERS)}…` : text,
  ).replace(
    /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function rowOf(id: CheckId): Check {
  const row = CHECKS.find((check) => check.id === id);
  if (row === undefined)
    throw new GweError('internal', `Cannot find the check ${id}: it is not in the table`);
  return row;
}
