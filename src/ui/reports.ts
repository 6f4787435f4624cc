/** What gateways report, read into numbers and rows. Tolerant: a report that cannot be read is no reason to show nothing. Pure. */

export interface Disk {
  filesystem: string;
  size_bytes: number;
  used_bytes: number;
  mounted: string;
}

export interface Machine {
  uname: string;
  memory: { total_bytes: number; used_bytes: number } | undefined;
  disks: Disk[];
  addresses: { name: string; addresses: string[] }[];
  /** As written, for what could not be read. */
  raw: { df: string; free: string; ipaddrs: string };
}

export interface App {
  name: string;
  version: string;
  status: string;
  uptime: string;
  exitStatus: number;
  installed: { time_ms: number; outcome: string; why: string; digest: string } | undefined;
}

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function parse(text: string): Fields {
  try {
    return fields(JSON.parse(text));
  } catch {
    return {};
  }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** Of `device_info`. */
export function readMachine(text: string): Machine {
  const info = parse(text);
  const raw = { df: textOf(info['df']), free: textOf(info['free']), ipaddrs: textOf(info['ipaddrs']) };
  return {
    uname: textOf(info['uname']).trim(),
    memory: readFree(raw.free),
    disks: readDf(raw.df),
    addresses: readAddresses(raw.ipaddrs),
    raw,
  };
}

/** Of `df`: sizes in blocks of 1024 bytes unless its heading says otherwise. A long name may stand on a line of its own. */
export function readDf(text: string): Disk[] {
  const [heading = '', ...lines] = text.trim().split('\n');
  const block_bytes = Number(heading.match(/(\d+)-blocks/)?.[1]) || (/512/.test(heading) ? 512 : 1024);
  const rows = lines
    .join('\n')
    .replace(/^(\S+)\n\s+/gm, '$1 ')
    .split('\n');
  return rows.flatMap((row) => {
    const found = row.match(/^(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+\S+%?\s+(\/.*)$/);
    if (found === null) return [];
    const [, filesystem = '', size = '', used = '', , mounted = ''] = found;
    const [size_bytes, used_bytes] = [blocks(size, block_bytes), blocks(used, block_bytes)];
    return size_bytes > 0 ? [{ filesystem, size_bytes, used_bytes, mounted }] : [];
  });
}

/** `1024` blocks, or `1.5G` as `df -h` writes it. */
function blocks(text: string, block_bytes: number): number {
  const [, digits = '0', unit = ''] = text.match(/^([\d.]+)([KMGT]?)/i) ?? [];
  const power = ' KMGT'.indexOf(unit.toUpperCase());
  return Number(digits) * (power > 0 ? 1024 ** power : block_bytes);
}

/**
 * A total of `free` below this is of `free -m`, as gwe reports it; above, of plain `free`, in KB. Nothing that runs gwe has less
 * than 50 MB, hardly a gateway more than 50 GB.
 */
const MEGABYTES_BELOW = 50_000;

/** Of `free`: what is used is all that applications cannot have. */
export function readFree(text: string): Machine['memory'] {
  const lines = text.split('\n');
  const names = lines[0]?.trim().split(/\s+/) ?? [];
  const row = lines
    .find((line) => /^Mem:/.test(line.trim()))
    ?.trim()
    .split(/\s+/);
  if (row === undefined) return undefined;
  const unit_bytes = Number(row[1]) < MEGABYTES_BELOW ? 1024 ** 2 : 1024;
  const of = (name: string): number | undefined => {
    const at = names.indexOf(name);
    return at < 0 || row[at + 1] === undefined ? undefined : blocks(row[at + 1] ?? '', unit_bytes);
  };
  const total_bytes = of('total') ?? blocks(row[1] ?? '', unit_bytes);
  const available = of('available');
  const used_bytes =
    available === undefined ? (of('used') ?? blocks(row[2] ?? '', unit_bytes)) : total_bytes - available;
  return total_bytes > 0 ? { total_bytes, used_bytes } : undefined;
}

/** Of `ip addr`, `ifconfig`, or lines of `name address`. */
export function readAddresses(text: string): Machine['addresses'] {
  const found = new Map<string, string[]>();
  let name = '';
  for (const line of text.split('\n')) {
    const begins = line.match(/^(?:\d+:\s*)?([A-Za-z][\w.@-]*)(?::|\s|$)/)?.[1];
    if (begins !== undefined) name = begins.replace(/@.*/, '');
    for (const [, address = ''] of line.matchAll(ADDRESS)) {
      if (name !== '') found.set(name, [...(found.get(name) ?? []), address]);
    }
  }
  return [...found].map(([each, addresses]) => ({ name: each, addresses }));
}

const ADDRESS =
  /(?<![\w.:])((?:\d{1,3}\.){3}\d{1,3}(?:\/\d+)?|[0-9a-f]{1,4}:[0-9a-f:]*:[0-9a-f:]+(?:\/\d+)?)(?![\w.:])/gi;

/** Of `engine_report`. */
export function readApps(text: string): App[] {
  const report = parse(text);
  const installed = fields(report['installed']);
  const rows = Array.isArray(report['apps']) ? report['apps'] : [];
  return rows.flatMap((row) =>
    Object.entries(fields(row)).map(([name, value]) => {
      const app = fields(value);
      return {
        name,
        version: textOf(app['version']),
        status: textOf(app['status']),
        uptime: textOf(app['uptime']),
        exitStatus: numberOf(app['exitstatus']),
        installed: readInstalled(installed[name]),
      };
    }),
  );
}

function readInstalled(value: unknown): App['installed'] {
  const end = fields(value);
  if (typeof end['outcome'] !== 'string') return undefined;
  return {
    time_ms: numberOf(end['time']) * 1000,
    outcome: end['outcome'],
    why: textOf(end['why']),
    digest: textOf(end['digest']),
  };
}

/** Of `usage_report`: bytes in and out over all interfaces in its newest hour. */
export function readUsage(text: string): { rx_bytes: number; tx_bytes: number } | undefined {
  const interfaces = Object.values(parse(text))
    .map(fields)
    .filter((each) => 'hour' in each);
  if (interfaces.length === 0) return undefined;
  const counts = interfaces.flatMap((each) => Object.values(fields(each['hour'])).map(fields));
  const sum = (name: string) => counts.reduce((total, count) => total + numberOf(count[name]), 0);
  return { rx_bytes: sum('tot_rx'), tx_bytes: sum('tot_tx') };
}

const OUTCOMES = ['installed', 'discarded', 'failed', 'gone', 'waiting', 'malformed'];

/** Of `fetch_status`: its first line in parts, and what install.sh printed. */
export function readFetchStatus(text: string): {
  name: string;
  outcome: string;
  head: string;
  output: string;
} {
  const [head = '', ...rest] = text.split('\n');
  const [, name = '', said = ''] = head.match(/^(\S+): (\w+)/) ?? [];
  const outcome = OUTCOMES.includes(said) ? said : '';
  return { name: outcome === '' ? '' : name, outcome, head, output: rest.join('\n') };
}

/** `7 days, 3:12:16` → `7 d`; `3:12:16` → `3 h`; `0:12:16` → `12 min`. What is written otherwise stays as it is. */
export function shortUptime(text: string): string {
  const found = text.match(/^(?:(\d+) days?, )?(\d+):(\d\d):(\d\d)$/);
  if (found === null) return text;
  const [days, hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
  if (days) return `${days} d`;
  if (hours) return `${hours} h`;
  return minutes ? `${minutes} min` : `${seconds} s`;
}
