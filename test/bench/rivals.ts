/** The others installing the payload from a local file, signed as their documents tell; each makes its own kind of package of it. */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { eventually, expectZero, run } from '../e2e/machine.ts';
import { put } from './ground.ts';
import { measure, type Way } from './measure.ts';
import type { Bench } from './part.ts';
import type { Payload } from './payload.ts';
import { makeSigner } from './signer.ts';

const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' };

/** Streams the archive through tar while Mender reads it, so that nothing is written twice. */
const MENDER_MODULE = `#!/bin/sh
set -e
case "$1" in
  NeedsArtifactReboot | SupportsRollback) echo No ;;
  Download)
    mkdir tree
    while stream=$(cat stream-next) && [ -n "$stream" ]; do tar -x -C tree <"$stream"; done ;;
  ArtifactInstall) cd tree && sh ./install.sh >/dev/null ;;
esac
`;

export function menderInstall(bench: Bench, { tarball, folder: outer }: Payload): Way {
  const folder = join(outer, 'mender');
  const { key } = makeSigner(bench);
  const modules = join(folder, 'modules');
  put(modules, 'bench', MENDER_MODULE, 0o755);
  const tar = join(folder, 'payload.tar');
  expectZero(run(['/bin/sh', '-c', 'gzip -dc "$1" >"$2"', 'sh', tarball, tar], ENV));
  const pub = join(folder, 'pub.pem');
  expectZero(run(['openssl', 'rsa', '-in', key, '-pubout', '-out', pub], ENV));
  const traditional = join(folder, 'signer.key');
  expectZero(run(['openssl', 'rsa', '-in', key, '-traditional', '-out', traditional], ENV));
  const artifact = join(folder, 'payload.mender');
  const make = ['mender-artifact', 'write', 'module-image', '-T', 'bench', '-n', 'payload', '-t', 'bench'];
  expectZero(run([...make, '-o', artifact, '-f', tar, '-k', traditional], ENV));
  rmSync(tar);
  put(join(folder, 'data'), 'device_type', 'device_type=bench\n');
  put(join(folder, 'data'), 'artifact_info', 'artifact_name=none\n');
  const conf = put(
    folder,
    'mender.conf',
    JSON.stringify({ ArtifactVerifyKey: pub, DBus: { Enabled: false } }),
  );
  const within = ['unshare', '-m', 'sh', '-c'];
  const line =
    'mount --bind "$1" /usr/share/mender/modules/v3 && mount --bind "$2" /etc/mender && shift 2 && exec "$@"';
  const command = [
    'mender',
    '--config',
    conf,
    '--data',
    join(folder, 'data'),
    '--log-level',
    'warn',
    'install',
    artifact,
  ];
  return {
    name: 'mender',
    run: () => measure(command, { folder, within: [...within, line, 'sh', modules, join(folder, 'data')] }),
  };
}

export function swupdateInstall(bench: Bench, { tarball, folder: outer }: Payload): Way {
  const folder = join(outer, 'swupdate');
  const into = join(folder, 'into');
  mkdirSync(folder);
  const { cert, key } = makeSigner(bench);
  copyFileSync(tarball, join(folder, 'payload.tar.gz'));
  put(folder, 'post.sh', `#!/bin/sh\ncd '${into}' && exec sh ./install.sh\n`, 0o755);
  const sha = (name: string) => expectZero(run(['sha256sum', join(folder, name)], ENV)).stdout.slice(0, 64);
  put(
    folder,
    'sw-description',
    'software = {\n version = "1";\n hardware-compatibility: ["1.0"];\n' +
      ` files: ( { filename = "payload.tar.gz"; type = "archive"; path = "${into}"; sha256 = "${sha('payload.tar.gz')}"; } );\n` +
      ` scripts: ( { filename = "post.sh"; type = "postinstall"; sha256 = "${sha('post.sh')}"; } );\n};\n`,
  );
  const sign = `openssl cms -sign -in sw-description -out sw-description.sig -signer '${cert}' -inkey '${key}' -outform DER -nosmimecap -binary`;
  const pack =
    "printf '%s\\n' sw-description sw-description.sig payload.tar.gz post.sh | cpio -o -H crc --quiet >payload.swu";
  expectZero(run(['/bin/sh', '-c', `cd '${folder}' && ${sign} && ${pack}`], ENV));
  rmSync(join(folder, 'payload.tar.gz'));
  const config = put(folder, 'swupdate.cfg', 'globals: { };\n');
  const command = [
    'swupdate',
    '-f',
    config,
    '-k',
    cert,
    '-H',
    'bench:1.0',
    '-m',
    '-M',
    '-l',
    '2',
    '-i',
    join(folder, 'payload.swu'),
  ];
  return {
    name: 'swupdate',
    run: () => {
      rmSync(into, { recursive: true, force: true });
      mkdirSync(into);
      return measure(command, { folder });
    },
  };
}

/** RAUC's service does the work, so it is what is looked at for memory; the time is that of `rauc install`. */
export async function raucInstall(bench: Bench, { tarball, folder: outer }: Payload): Promise<Way> {
  const folder = join(outer, 'rauc');
  const content = join(folder, 'content');
  const { cert, key } = makeSigner(bench);
  put(
    content,
    'manifest.raucm',
    '[update]\ncompatible=bench\nversion=1\n[bundle]\nformat=plain\n[handler]\nfilename=handler.sh\n',
  );
  copyFileSync(tarball, join(content, basename(tarball)));
  const into = join(folder, 'into');
  const handler =
    `#!/bin/sh\nset -e\nrm -rf '${into}'\nmkdir '${into}'\n` +
    `tar xzf "$RAUC_BUNDLE_MOUNT_POINT/${basename(tarball)}" -C '${into}'\ncd '${into}' && exec sh ./install.sh\n`;
  put(content, 'handler.sh', handler, 0o755);
  const bundle = join(folder, 'payload.raucb');
  expectZero(run(['rauc', 'bundle', `--cert=${cert}`, `--key=${key}`, content, bundle], ENV));
  rmSync(content, { recursive: true });
  put(folder, 'slot', '');
  const system =
    `[system]\ncompatible=bench\nbootloader=noop\nstatusfile=${folder}/status\nmountprefix=${folder}/mnt\n` +
    `[keyring]\npath=${cert}\n[slot.rootfs.0]\ndevice=${folder}/slot\ntype=raw\nbootname=a\n`;
  const pid = await startRauc(bench, folder, put(folder, 'system.conf', system));
  const env = {
    ...ENV,
    DBUS_STARTER_BUS_TYPE: 'session',
    DBUS_SESSION_BUS_ADDRESS: `unix:path=${folder}/bus`,
  };
  return {
    name: 'rauc',
    run: async () => {
      const taken = await measure(['rauc', 'install', bundle], { folder, env });
      const peak_KiB = Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(/^VmHWM:\s+(\d+)/m)?.[1]);
      return { ...taken, cpu_ms: Number.NaN, peak_MiB: peak_KiB / 1024 };
    },
  };
}

async function startRauc(bench: Bench, folder: string, config: string): Promise<number> {
  const address = `unix:path=${folder}/bus`;
  const env = { ...ENV, DBUS_STARTER_BUS_TYPE: 'session', DBUS_SESSION_BUS_ADDRESS: address };
  const begin = (file: string, ...args: string[]) => {
    const child = spawn(file, args, { env, stdio: 'ignore' });
    bench.after(() => child.kill());
    return child;
  };
  begin('dbus-daemon', '--session', '--nofork', `--address=${address}`);
  await eventually('a bus', () => existsSync(join(folder, 'bus')));
  const service = begin('rauc', `--conf=${config}`, '--override-boot-slot=a', 'service');
  await eventually('RAUC', () => spawnSync('rauc', ['status'], { env }).status === 0);
  return service.pid ?? 0;
}
