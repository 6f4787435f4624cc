/**
 * What the tests use of the machine beside npm's packages. On Debian and Ubuntu, as root, what is missing is installed;
 * elsewhere the tests that need it are skipped, and say so by `lacks`. Under CI=true nothing may be missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';

interface Tool {
  /** Debian's packages that bring it. */
  packages: readonly string[];
  /** Files that are there when they are installed. */
  proof: readonly string[];
  /** What can be tested only with it. */
  use: string;
}

const CROSS = '/usr/aarch64-linux-gnu/lib';

const TOOLS = {
  supervisor: {
    packages: ['supervisor'],
    proof: ['/usr/bin/supervisord', '/usr/bin/supervisorctl'],
    use: 'gwe and its applications under a real supervisord',
  },
  arm64: {
    packages: ['qemu-user-static', 'libc6-arm64-cross', 'libstdc++6-arm64-cross', 'libatomic1-arm64-cross'],
    proof: [
      '/usr/bin/qemu-aarch64-static',
      `${CROSS}/ld-linux-aarch64.so.1`,
      `${CROSS}/libstdc++.so.6`,
      `${CROSS}/libatomic.so.1`,
    ],
    use: 'the file for arm64, emulated',
  },
  minisign: { packages: ['minisign'], proof: ['/usr/bin/minisign'], use: 'signatures in both directions' },
  zstd: { packages: ['zstd'], proof: ['/usr/bin/zstd'], use: 'deltas against zstd --patch-from' },
  strace: { packages: ['strace'], proof: ['/usr/bin/strace'], use: 'power cuts at every system call' },
  busybox: { packages: ['busybox'], proof: ['/bin/busybox'], use: 'the shell of small gateways' },
  iproute2: {
    packages: ['iproute2'],
    proof: ['/bin/ip'],
    use: "a line of its own, whose interface's counters are held against the data budget",
  },
  faketime: {
    packages: ['faketime'],
    proof: ['/usr/bin/faketime'],
    use: 'a gateway whose clock is wrong',
  },
  chromium: { packages: ['chromium'], proof: ['/usr/bin/chromium'], use: 'the fleet page in a browser' },
  objectStore: {
    packages: ['python3-swift'],
    proof: ['/usr/lib/python3/dist-packages/swift/common/middleware/s3api/s3api.py'],
    use: 'content in a real S3 API',
  },
  postgres: {
    packages: ['postgresql'],
    proof: ['/usr/bin/pg_createcluster'],
    use: 'the platform on a real PostgreSQL',
  },
  systemd: { packages: ['systemd'], proof: ['/usr/bin/systemd-analyze'], use: 'the unit for systemd' },
  compose: {
    packages: ['docker-compose', 'python3-yaml'],
    proof: ['/usr/bin/docker-compose', '/usr/lib/python3/dist-packages/yaml/__init__.py'],
    use: 'the files for Compose and Kubernetes',
  },
  promtool: { packages: ['prometheus'], proof: ['/usr/bin/promtool'], use: 'the rules for alerts' },
  openssl: { packages: ['openssl'], proof: ['/usr/bin/openssl'], use: 'HTTPS with a private authority' },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof TOOLS;

const entries: readonly (readonly [string, Tool])[] = Object.entries(TOOLS);

/** Why a test that needs `name` cannot run here, for the test runner's `skip`; `false` when it can. */
export function lacks(name: ToolName): string | false {
  return isThere(name, TOOLS[name]) ? false : `needs ${TOOLS[name].packages.join(', ')}`;
}

/** How to run the built file for arm64 on this machine: what comes before it on the command line. */
export const arm64Runner = (): string[] =>
  process.arch === 'arm64' ? [] : ['/usr/bin/qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'];

function isThere(name: string, tool: Tool): boolean {
  return (name === 'arm64' && process.arch === 'arm64') || tool.proof.every((path) => existsSync(path));
}

/** Installs what is missing, where that can be done, and says for each thing that stays missing what goes untested. */
export function provideTools(say: (line: string) => void): { missing: string[] } {
  const missing = () => entries.filter(([name, tool]) => !isThere(name, tool)).map(([, tool]) => tool);
  const packages = missing().flatMap((tool) => tool.packages);
  if (packages.length > 0 && existsSync('/usr/bin/apt-get') && userInfo().uid === 0) {
    say(`installing Debian's packages ${packages.join(', ')} …`);
    if (packages.includes('postgresql')) makeNoCluster();
    aptInstall(packages) || (apt('update') && aptInstall(packages));
  }
  const left = missing();
  for (const tool of left) say(`without ${tool.packages.join(', ')}, this is not tested: ${tool.use}`);
  return { missing: left.flatMap((tool) => tool.packages) };
}

/** Debian's package would make a server of the machine's own, and start it; the tests bring theirs. */
function makeNoCluster(): void {
  const folder = '/etc/postgresql-common/createcluster.d';
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}/gwe-tests.conf`, 'create_main_cluster = false\n');
}

const aptInstall = (packages: readonly string[]): boolean =>
  apt('install', '--yes', '--no-install-recommends', ...packages);

function apt(...args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync('apt-get', ['-qq', ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
}
