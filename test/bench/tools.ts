/** What the bench uses of Debian: competitors, what they are made ready with, and what measures. Installed only when it is allowed. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';

interface Tool {
  packages: readonly string[];
  /** Files that are there when they are installed. */
  proof: readonly string[];
  use: string;
}

export const TOOLS = {
  time: { packages: ['time'], proof: ['/usr/bin/time'], use: 'peak memory of everything that is measured' },
  curl: { packages: ['curl'], proof: ['/usr/bin/curl'], use: 'the floor of a request' },
  ip: { packages: ['iproute2'], proof: ['/usr/sbin/ip'], use: 'bytes on the wire' },
  strace: { packages: ['strace'], proof: ['/usr/bin/strace'], use: 'what is written to the disk' },
  openssl: { packages: ['openssl'], proof: ['/usr/bin/openssl'], use: 'certificates and signatures' },
  supervisor: { packages: ['supervisor'], proof: ['/usr/bin/supervisord'], use: 'programs at rest' },
  zstd: { packages: ['zstd'], proof: ['/usr/bin/zstd'], use: 'the file compressed' },
  python: { packages: ['python3-minimal'], proof: ['/usr/bin/python3'], use: 'an agent in Python' },
  mender: {
    packages: ['mender-client', 'mender-artifact'],
    proof: ['/usr/bin/mender', '/usr/bin/mender-artifact'],
    use: 'Mender',
  },
  swupdate: {
    packages: ['swupdate', 'cpio'],
    proof: ['/usr/bin/swupdate', '/usr/bin/cpio'],
    use: 'SWUpdate',
  },
  rauc: {
    packages: ['rauc', 'squashfs-tools', 'dbus'],
    proof: ['/usr/bin/rauc', '/usr/bin/mksquashfs', '/usr/bin/dbus-daemon'],
    use: 'RAUC',
  },
  casync: { packages: ['casync'], proof: ['/usr/bin/casync'], use: 'chunks of casync' },
  xdelta3: { packages: ['xdelta3'], proof: ['/usr/bin/xdelta3'], use: 'deltas of xdelta' },
  bsdiff: { packages: ['bsdiff'], proof: ['/usr/bin/bsdiff', '/usr/bin/bspatch'], use: 'deltas of bsdiff' },
  minisign: { packages: ['minisign'], proof: ['/usr/bin/minisign'], use: 'signatures' },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof TOOLS;

const entries: readonly (readonly [string, Tool])[] = Object.entries(TOOLS);

export const hasTool = (name: ToolName): boolean => TOOLS[name].proof.every((path) => existsSync(path));

/** Installs what is missing if the person at the terminal agrees, or `isAllowed` (--yes); says what stays missing. */
export async function provideTools(isAllowed: boolean, say: (line: string) => void): Promise<void> {
  const missing = entries.filter(([, tool]) => !tool.proof.every((path) => existsSync(path)));
  if (missing.length === 0) return;
  const packages = missing.flatMap(([, tool]) => tool.packages);
  if (isAllowed || (await agrees(`Install Debian's packages ${packages.join(', ')}?`))) {
    // One by one: one that this Debian does not have must not keep the others out.
    if (apt('update'))
      for (const [, tool] of missing) apt('install', '--yes', '--no-install-recommends', ...tool.packages);
  }
  for (const [, tool] of missing) {
    if (!tool.proof.every((path) => existsSync(path)))
      say(`without ${tool.packages.join(', ')}: no ${tool.use}`);
  }
}

async function agrees(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await lines.question(`${question} [y/N] `);
  lines.close();
  return /^y/i.test(answer);
}

function apt(...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}
