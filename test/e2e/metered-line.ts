/**
 * A line that is paid by the byte: a network namespace whose only way out is a pair of interfaces, and at the other end a
 * relay to the platform. What the interface counts is what a plan would charge.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { lacks } from '../debian.ts';
import { atEnd } from './ending.ts';
import { type Ending, expectZero, run } from './machine.ts';

const ENV = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** Why no such line can be made here; `false` when it can. */
export function lacksMeteredLine(): string | false {
  const canUnshare = () => spawnSync('unshare', ['-n', 'true'], { env: ENV }).status === 0;
  return lacks('iproute2') || (canUnshare() ? false : 'needs the right to make network namespaces');
}

export interface MeteredLine {
  /** Where the platform is, seen from the other end of the line. */
  url: string;
  /** Goes before a command that is to run at that end. */
  inside: readonly string[];
  iface: string;
  /** Bytes that the interface has counted, both directions. */
  counted_bytes(): number;
}

/** Lays a line to `platform`, taken up again with the test. */
export async function layMeteredLine(t: Ending, platform: string): Promise<MeteredLine> {
  const holder = spawn('unshare', ['-n', 'sh', '-c', 'echo there; exec sleep 3600'], {
    env: ENV,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  atEnd(t, () => void holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  const pid = String(holder.pid);
  const [near, far, net] = [`gwe${pid}`, 'wwan0', `10.${200 + (Number(pid) % 50)}.${Number(pid) % 250}`];
  const inside = ['nsenter', '-t', pid, '-n', '--'];
  const ip = (prefix: readonly string[], ...args: string[]) =>
    expectZero(run([...prefix, 'ip', ...args], ENV));
  ip([], 'link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', pid);
  ip([], 'addr', 'add', `${net}.1/24`, 'dev', near);
  ip([], 'link', 'set', near, 'up');
  ip(inside, 'addr', 'add', `${net}.2/24`, 'dev', far);
  // Packets as a real line carries them, none merged into larger ones.
  ip(inside, 'link', 'set', far, 'gso_max_segs', '1', 'up');
  ip(inside, 'route', 'add', 'default', 'via', `${net}.1`);
  const { hostname, port } = new URL(platform);
  const relay = createServer((socket) => {
    const further = connect(Number(port), hostname);
    socket.pipe(further).pipe(socket);
    for (const each of [socket, further])
      each.on('error', () => [socket, further].map((one) => one.destroy()));
  });
  relay.listen(0, `${net}.1`);
  await once(relay, 'listening');
  atEnd(t, () => void relay.close());
  return {
    url: `http://${net}.1:${(relay.address() as AddressInfo).port}`,
    inside,
    iface: far,
    counted_bytes: () => countedOf(readFileSync(`/proc/${pid}/net/dev`, 'utf8'), far),
  };
}

function countedOf(text: string, iface: string): number {
  const columns =
    text
      .match(new RegExp(`${iface}:(.*)`))?.[1]
      ?.trim()
      .split(/\s+/)
      .map(Number) ?? [];
  return (columns[0] ?? Number.NaN) + (columns[8] ?? Number.NaN);
}
