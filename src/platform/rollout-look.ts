/** From what the store holds of a gateway to what the rules of a rollout want to know. Pure; whatever a gateway wrote, nothing is raised. */
import { asObject, parseObject, reported } from './reported.ts';
import type { Look, Observation } from './rollout-types.ts';

/** A tag that tells where a gateway is: `timezone=Europe/Berlin`. */
const TIMEZONE_TAG = 'timezone=';

/** Reads the texts of an observation. */
export function lookOf(seen: Observation): Look {
  const report = parseObject(seen.engineReport);
  const tag = seen.tags.find((each) => each.startsWith(TIMEZONE_TAG))?.slice(TIMEZONE_TAG.length);
  return {
    activated: seen.activated,
    lastSeen_ms: seen.lastSeen_ms,
    interval_s: reported(seen.engineReport).interval_s,
    timezone: tag ?? (seen.timezone === '' ? undefined : seen.timezone),
    occupied: seen.fetch.value !== '',
    report_ms: seen.report_ms,
    programs: programsOf(report),
    versions: versionsOf(report, seen.engineReport),
    fetchPoint: seen.fetch.point,
    afterCommand: seen.afterCommand,
    statuses: seen.statuses,
  };
}

function programsOf(report: Record<string, unknown>): Look['programs'] {
  const rows = Array.isArray(report['apps']) ? report['apps'] : [];
  return rows.flatMap((item: unknown) =>
    Object.entries(asObject(item)).map(([name, row]) => {
      const { status, exitstatus } = asObject(row);
      return {
        name,
        status: typeof status === 'string' ? status : '',
        exitStatus: typeof exitstatus === 'number' ? exitstatus : 0,
      };
    }),
  );
}

/** The versions in `installed`, which gwe reports of its own installs; those in `apps` for the clients that report no more. */
function versionsOf(report: Record<string, unknown>, text: string): Look['versions'] {
  const bare = Object.entries(reported(text).apps).map(([app, version]) => [app, { version }] as const);
  const installed = Object.entries(asObject(report['installed'])).flatMap(([app, row]) => {
    const { version, digest } = asObject(row);
    if (typeof version !== 'string') return [];
    return [[app, { version, ...(typeof digest === 'string' ? { digest } : {}) }] as const];
  });
  return Object.fromEntries([...bare, ...installed]);
}
