/** The three reports as they are now: true values of this machine, put into words by reports/. */
import { asGweError } from '../errors.ts';
import { machineFacts } from '../host/machine.ts';
import { VERSION } from '../host/version.ts';
import type { InstalledApp } from '../installer/apps.ts';
import { deviceInfo } from '../reports/device-info.ts';
import { appRows, engineReport, type InstalledRow, OWN_NAME } from '../reports/engine-report.ts';
import { essenceOfDevice, essenceOfEngine, essenceOfUsage } from '../reports/essence.ts';
import type { ProcessInfo } from '../supervisor/supervisor.ts';
import type { Engine } from './engine.ts';

export interface Reports {
  usage_report: string;
  device_info: string;
  engine_report: string;
}

/** Makes all three. Never fails: a fact that cannot be had is said to be missing, and the others are reported. */
export async function currentReports(engine: Engine): Promise<Reports> {
  return (await reportsWithEssence(engine)).reports;
}

/** All three, and of each what must differ for it to count as changed. */
export async function reportsWithEssence(engine: Engine): Promise<{ reports: Reports; essence(): Reports }> {
  const { updateInterval_s, usage } = engine;
  const installed = engine.installer.installed().map(installedRow);
  const own = { version: VERSION, uptime_s: (engine.context.clock.now() - engine.state.started_ms) / 1000 };
  const processes = await processesOf(engine);
  const apps = appRows(own, processes, installed);
  const machine = machineFacts();
  return {
    reports: {
      usage_report: usage.report(),
      device_info: deviceInfo(machine),
      engine_report: engineReport({ apps, installed, updateInterval_s }),
    },
    essence: () => ({
      usage_report: essenceOfUsage(usage.current()),
      device_info: essenceOfDevice(machine),
      engine_report: essenceOfEngine(apps, processes, installed, updateInterval_s),
    }),
  };
}

/** supervisord's processes; none when there is no supervisord, which is said once and not at every check-in. */
async function processesOf(engine: Engine): Promise<ProcessInfo[]> {
  try {
    const processes = await engine.supervisor.processes();
    if (engine.state.supervisor?.ok === false) engine.log.info('supervisord answers again');
    engine.state.supervisor = { ok: true };
    return processes;
  } catch (thrown) {
    const { message } = asGweError(thrown);
    if (engine.state.supervisor?.message !== message)
      engine.log.warning(`${message}; gwe goes on without it`);
    engine.state.supervisor = { ok: false, message };
    return [];
  }
}

/** A record of apps/ as engine_report tells it. Of gwe itself that version is in place which makes the report. */
function installedRow({ app, good, last }: InstalledApp): InstalledRow {
  const digest = good?.sha256 ?? last?.sha256;
  return {
    app,
    version: app === OWN_NAME ? VERSION : (good?.version ?? ''),
    ...(digest === undefined ? {} : { digest }),
    time_ms: last?.time_ms ?? good?.installed_ms ?? 0,
    outcome: last?.outcome ?? 'installed',
    ...(last?.why === undefined ? {} : { why: last.why }),
  };
}
