/** Why an aim is missed and what was tried, for the document. An aim that is met in a run is not spoken of. */
import type { Aim } from './part.ts';

interface Shortfall {
  /** How the aim's `what` begins. */
  what: string;
  cause: string;
  tried: string;
}

const SHORTFALLS: readonly Shortfall[] = [
  {
    what: 'RSS awake and idle',
    cause:
      'A single file of Node.js that only says hello holds 42 MiB, nearly all of it pages of the file itself, which the kernel may drop at any time; ' +
      "gwe's own data are 14 MiB. A gwe that hibernates, as it does by itself, holds none of it at rest.",
    tried:
      'Helped: the platform out of what every start reads (3 MiB), small spaces for young objects, symbols removed. Did not: some 25 flags of V8 and ' +
      'Node.js, a warm code cache, compile hints.',
  },
  {
    what: 'install time ÷ floor, 20 MB in 5,000 files',
    cause:
      'gwe ends when all is on the disk, the floor when it is in the cache: a floor that syncs takes 1.2 to 1.3 by itself. To make a file costs the ' +
      'kernel 33 µs, whoever does it; gwe adds 9 of its own, its start, and a journal.',
    tried:
      'Helped: one flush a phase in place of one a file, by a `sync` that stands ready; files written in the thread that unpacks; V8 without its last ' +
      'compiler (8 % of the CPU time). Did not: more threads (two in C that make files in different folders gain 0 to 30 ms of 110, and one of V8 takes 20 MB), ' +
      'larger spaces for young objects, fewer steps for each header. Left out: a `sync` while files are still made gains 7 to 9 %, but has what install.sh ' +
      'copies written to the flash twice.',
  },
  {
    what: 'ahead of the others, 20 MB in 5,000 files',
    cause: 'The same. Mender and RAUC unpack with programs in C and Go that start in 8 ms.',
    tried: 'The same.',
  },
  {
    what: 'install time ÷ floor, 10 MB in 50 files',
    cause:
      'The start of Node.js (21 ms; gwe 29), inflating (18 to 28), install.sh (13), `sync` (8) and the end of the process (6) are as much as the whole floor ' +
      'before anything else is done; 17 fsyncs of journal and last good tarball come to that.',
    tried:
      'Helped: six syncs fewer, the download synced and `sync` and the pipe of install.sh made ready while another thread inflates, blocks of 256 kB, ' +
      'modules loaded when they are needed, zlib before the first flag of V8 is changed. Did not: reading ahead of the inflating thread, larger blocks, a code ' +
      'cache that holds a whole install, becoming another program in place of ending (8 ms in place of 5).',
  },
  {
    what: 'ahead of the others, 10 MB in 50 files',
    cause: 'The same.',
    tried: 'The same.',
  },
  {
    what: 'peak memory',
    cause:
      'Most of it is pages of the file itself: 38 to 56 MB for the same file, depending on how it got into the cache.',
    tried:
      "Helped: each block is given back by hand as soon as it is written; V8's last compiler left out (6 MB with 5,000 files). What is left of its own " +
      'is 21 to 26 MB for any tarball.',
  },
  {
    what: 'p99 of a check-in at half load',
    cause:
      'It differs from run to run of the same program: 18, 33, 40 and 57 ms. A sync of the disk that takes long is waited for by all check-ins of that ' +
      'moment.',
    tried:
      'Helped: syncing beside the thread, so that what comes in meanwhile is one commit. About the longest syncs nothing was done.',
  },
  {
    what: "durable check-ins, as a share of the bare server's rate",
    cause:
      'The bare server needs 15 µs for a request and keeps nothing; a check-in that is on the disk before it is answered needs 75, of which the statements are 20.',
    tried: 'See [where the time goes](benchmarks-platform.md).',
  },
  {
    what: 'from an operator at one replica',
    cause:
      'Two replicas, PostgreSQL and the load have two cores for all of them: a call waits for its turn at each.',
    tried:
      'Telling within the transaction: it halves the rate of check-ins, because PostgreSQL commits those one after the other.',
  },
];

/** Rows of aim, cause, what was tried: for the aims that were missed, in their order. */
export function shortfallRows(aims: readonly Aim[]): string[][] {
  return aims
    .filter(({ isMet }) => !isMet)
    .map((aim) => {
      const known = SHORTFALLS.find(({ what }) => aim.what.startsWith(what));
      return [aim.what, known?.cause ?? 'Not looked into yet.', known?.tried ?? ''];
    });
}
