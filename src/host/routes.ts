/** Where traffic leaves this machine: the interface of the default route, from /proc/net. */
import { readFileSync } from 'node:fs';

const RTF_UP = 1;

/** The interface of the default route, IPv4's before IPv6's, the one of the lowest metric; `undefined` when there is none. */
export function defaultInterface(): string | undefined {
  return parseRoutes(read('/proc/net/route')) ?? parseRoutes6(read('/proc/net/ipv6_route'));
}

/** Of the text of /proc/net/route (columns: interface, destination, gateway, flags, …, metric, mask; addresses in hex). */
export function parseRoutes(text: string): string | undefined {
  const routes = text.split('\n').flatMap((line) => {
    const [iface, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
    const isDefault = destination === '00000000' && mask === '00000000';
    const isUp = (Number.parseInt(flags ?? '', 16) & RTF_UP) !== 0;
    return iface !== undefined && isDefault && isUp ? [{ iface, metric: Number(metric) }] : [];
  });
  return least(routes);
}

/** Of the text of /proc/net/ipv6_route (destination, its prefix length, …, metric is column 6, the interface is last; all in hex). */
export function parseRoutes6(text: string): string | undefined {
  const routes = text.split('\n').flatMap((line) => {
    const columns = line.trim().split(/\s+/);
    const [destination, prefix] = columns;
    const iface = columns[9];
    if (iface === undefined || iface === 'lo' || !/^0+$/.test(destination ?? '') || prefix !== '00')
      return [];
    return [{ iface, metric: Number.parseInt(columns[5] ?? '', 16) }];
  });
  return least(routes);
}

function least(routes: readonly { iface: string; metric: number }[]): string | undefined {
  return routes.toSorted((a, b) => a.metric - b.metric)[0]?.iface;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
