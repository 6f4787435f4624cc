/** What a gateway's own words say, for machines: versions and interval in engine_report, the end of an install in fetch_status. Pure. */

/** Applications of one gateway that are kept for searching. */
const APPS_MAX = 200;
const NAME_MAX_CHARACTERS = 200;
/** What may stand at the head of fetch_status, after the tarball's name; the rest of it is for people. */
const END = /^(\S{1,255}): (installed|discarded|failed|gone|waiting|malformed)\b/;

export interface Reported {
  apps: Record<string, string>;
  interval_s: number | undefined;
}

/** Versions and interval, as an engine_report tells them. Anything that is none tells nothing. */
export function reported(text: string): Reported {
  const report = parseObject(text);
  const rows = Array.isArray(report['apps']) ? report['apps'] : [];
  const apps = rows.flatMap((item: unknown) =>
    Object.entries(asObject(item)).flatMap(([name, row]) => {
      const version = asObject(row)['version'];
      const isKnown = typeof version === 'string' || typeof version === 'number';
      return isKnown ? [[short(name), short(String(version))] as const] : [];
    }),
  );
  const interval_s = report['update_interval'];
  const isInterval = typeof interval_s === 'number' && Number.isSafeInteger(interval_s) && interval_s > 0;
  return {
    apps: Object.fromEntries(apps.slice(0, APPS_MAX)),
    interval_s: isInterval ? interval_s : undefined,
  };
}

/** How an install ended, by the first line of fetch_status; `undefined` for any other text. */
export function installEnd(text: string): { name: string; outcome: string } | undefined {
  const [, name, outcome] = END.exec(text) ?? [];
  return name === undefined || outcome === undefined ? undefined : { name, outcome };
}

/** The names in an instruction; none when it is no instruction. */
export function namesInInstruction(text: string): string[] {
  const { install } = parseObject(text);
  const items = Array.isArray(install) ? install : [];
  return items.flatMap((item: unknown) => {
    const { name } = asObject(item);
    return typeof name === 'string' ? [name] : [];
  });
}

function short(text: string): string {
  return text.slice(0, NAME_MAX_CHARACTERS);
}

export function parseObject(text: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return {};
  }
}

export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
