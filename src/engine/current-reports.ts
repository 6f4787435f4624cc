/** The three reports as they are now: true values of this machine, put into words by reports/. */
import { asGweError } from '../errors.ts';
import { machineFacts } from '../host/machine.ts';
import { VERSION } from '../host/version.ts';
import type { InstalledApp } from '../installer/apps.ts';
import { deviceInfo } from '../reports/device-info.ts';
import { appRows, engineReport, type InstalledRow, OWN_NAME } from '../reports/engine-report.ts';
import type { ProcessInfo } from '../supervisor/supervisor.ts';
import type { Engine } from './engine.ts';

export interface Reports {
  usage_report: string;
  device_info: string;
  engine_report: string;
}

/** Makes all three. Never fails: a fact that cannot be had is said to be missing, and the others are reported. */
export async function currentReports(engine: Engine): Promise<Reports> {
  const installed = engine.installer.installed().map(installedRow);
  const own = { version: VERSION, uptime_s: (engine.context.clock.now() - engine.state.started_ms) / 1000 };
  return {
    usage_report: engine.usage.report(),
    device_info: deviceInfo(machineFacts()),
    engine_report: engineReport({
      apps: appRows(own, await processesOf(engine), installed),
      installed,
      updateInterval_s: engine.updateInterval_s,
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
