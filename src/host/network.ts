/** The network interfaces of this machine: their MAC addresses, byte counters and addresses, from /sys, /proc and node:os. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

export interface InterfaceCounters {
  rx_bytes: number;
  tx_bytes: number;
}

/** The kernel's own limit is 15 bytes, and it allows neither `/` nor blanks; `.` and `..` would lead out of the folder. */
const INTERFACE_NAME = /^(?!\.\.?$)[^/\s\0]{1,15}$/;
const NO_MAC = '00:00:00:00:00:00';

/**
 * The MAC address of an interface, in upper case with colons. `undefined` when there is no such interface, or it has none
 * that could tell one machine from another (lo, tunnels).
 */
export function macAddress(iface: string): string | undefined {
  if (!INTERFACE_NAME.test(iface)) return undefined;
  const written = read(`/sys/class/net/${iface}/address`) ?? macFromNode(iface);
  const mac = written?.trim().toUpperCase();
  return mac !== undefined && mac !== NO_MAC && /^[0-9A-F]{2}(:[0-9A-F]{2}){5}$/.test(mac) ? mac : undefined;
}

function macFromNode(iface: string): string | undefined {
  return networkInterfaces()[iface]?.find(({ mac }) => mac !== NO_MAC)?.mac;
}

/** The name of the interface that has `localAddress` (as `socket.localAddress` gives it), or `undefined`. */
export function interfaceOfAddress(localAddress: string): string | undefined {
  const wanted = plainAddress(localAddress);
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some(({ address }) => plainAddress(address) === wanted)) return name;
  }
  return wanted.startsWith('127.') ? 'lo' : undefined;
}

/** Without a scope (`%eth0`), and IPv4 in its own form where a dual-stack socket shows it mapped into IPv6. */
function plainAddress(address: string): string {
  return address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/** Bytes received and sent by an interface since it came up, or `undefined` when there is none of that name. */
export function interfaceCounters(iface: string): InterfaceCounters | undefined {
  return parseNetDev(read('/proc/net/dev') ?? '').get(iface);
}

/** Bytes in both directions of every interface, by name; `undefined` where the system does not tell. */
export function allCounters(): Map<string, number> | undefined {
  const text = read('/proc/net/dev');
  if (text === undefined) return undefined;
  return new Map([...parseNetDev(text)].map(([name, { rx_bytes, tx_bytes }]) => [name, rx_bytes + tx_bytes]));
}

/** The counters of every interface in the text of /proc/net/dev (proc(5): received bytes are column 1, sent bytes column 9). */
export function parseNetDev(text: string): Map<string, InterfaceCounters> {
  const counters = new Map<string, InterfaceCounters>();
  for (const line of text.split('\n')) {
    const [, name, rest] = line.match(/^\s*(\S+):\s*(\d.*)$/) ?? [];
    const columns = rest?.trim().split(/\s+/).map(Number) ?? [];
    const [rx_bytes, tx_bytes] = [columns[0], columns[8]];
    if (name === undefined || !Number.isFinite(rx_bytes) || !Number.isFinite(tx_bytes)) continue;
    counters.set(name, { rx_bytes: rx_bytes ?? 0, tx_bytes: tx_bytes ?? 0 });
  }
  return counters;
}

/**
 * The addresses of this machine, one line an interface: `eth0: 192.168.1.20, fe80::1`. Loopback is left out unless it is
 * all there is.
 */
export function addressLines(): string {
  const lines = (internal: boolean) =>
    Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) => {
      const shown = addresses.filter((each) => each.internal === internal).map(({ address }) => address);
      return shown.length > 0 ? [`${name}: ${shown.join(', ')}`] : [];
    });
  const outside = lines(false);
  return (outside.length > 0 ? outside : lines(true)).join('\n');
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
