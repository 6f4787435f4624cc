/**
 * The phase `rollback`: from a version that failed back to the last good one, by that one's own install.sh and program
 * file; where there is none, by the failed version's uninstall.sh, and without its program.
 */
import { join } from 'node:path';
import { parseTarballName } from '../app/name.ts';
import { asGweError, GweError } from '../errors.ts';
import { readIfThere, removeFolder } from '../host/files.ts';
import { programText } from '../supervisor/program.ts';
import type { GoodVersion } from './apps.ts';
import { illness } from './health.ts';
import type { Job, Step } from './job.ts';
import type { ItemResult } from './journal-format.ts';
import { hasStartedAnew, rebootHold } from './run.ts';
import { callDurably, describeEnd, EXIT_RUN_AGAIN_AFTER_REBOOT, jobFolder, keepOutput } from './script.ts';
import { placeProgram, programPath, removeProgram, takeUp } from './supervise.ts';
import { ensureUnpacked, unpackTarball } from './unpack.ts';

/** What the way back comes to: part of the result, or a wait for a reboot. */
type Back = Partial<ItemResult> | 'reboot';

/** Goes back, whatever is in the way of it; only a full disk and a stop of gwe leave the phase as it is. */
export async function rollback(job: Job): Promise<Step> {
  const { deps, session } = job;
  const { name, result, rebootAsked } = job.item();
  if (rebootAsked !== undefined && !hasStartedAnew(rebootAsked, deps.start())) return rebootWait();
  const back = await wayBack(job, session.apps.read(name.app).good);
  if (back === 'reboot') {
    job.note({ rebootAsked: deps.start() });
    return rebootWait();
  }
  const note = [result?.note, back.note].filter((each) => each !== undefined).join('; ');
  const whole: ItemResult = { ...result, ...back, outcome: 'failed' };
  return { to: 'report', set: { result: note === '' ? whole : { ...whole, note }, rebootAsked: undefined } };
}

const rebootWait = () =>
  rebootHold('install.sh asked for a reboot on the way back, and is run again after it');

async function wayBack(job: Job, good: GoodVersion | undefined): Promise<Back> {
  if (!job.deps.settings['install.rollback']) {
    return { note: 'install.rollback is off: the gateway stays as the failed version left it' };
  }
  if (good === undefined) return await undoFirstInstall(job);
  const { rollbacks, wentBack } = job.item();
  if (wentBack === undefined && rollbacks >= job.deps.settings['install.max_attempts']) {
    return failedBack(good, `its install.sh did not come to its end in ${rollbacks} attempts`);
  }
  try {
    return await reinstall(job, good);
  } catch (error) {
    const { code, message } = asGweError(error);
    if (code === 'disk-full' || code === 'stopped' || job.session.signal.aborted) throw error;
    return failedBack(good, message);
  }
}

const failedBack = (good: GoodVersion, why: string): Back => ({
  rollbackFailed: good.version,
  note: `v${good.version}: ${why}`,
});

/** Installs the last good version again, from its kept tarball, as if it were new, and sees that it is healthy. */
async function reinstall(job: Job, good: GoodVersion): Promise<Back> {
  const { session } = job;
  const { name, wentBack } = job.item();
  const name_good = parseTarballName(good.file);
  // The failed version's folder makes room.
  removeFolder(join(jobFolder(job), 'app'));
  session.unpacked.delete(job.key);
  const folder = join(jobFolder(job), 'back');
  const facts = await unpackTarball(job, session.apps.goodTarball(name.app) ?? '', name_good, folder);
  if (facts.sha256 !== good.sha256) throw new GweError('check', 'its kept tarball is damaged');
  const failure = wentBack === undefined ? await runGood(job, good, folder) : undefined;
  if (failure !== undefined) return failure;
  const attempt = job.item().rollbacks;
  const about = { ...name_good, previous: name.version, attempt, rollbackFrom: name.version };
  const note = await restoreProgram(job, facts.supervisorConf);
  const ill = await illness(
    job,
    {
      hasHealth: facts.hasHealth,
      ...(facts.supervisorConf === undefined
        ? {}
        : { supervisorConf: Object.fromEntries(facts.supervisorConf) }),
    },
    about,
    async () => folder,
  );
  if (ill !== undefined) return failedBack(good, ill);
  return { rolledBackTo: good.version, ...(note === undefined ? {} : { note }) };
}

/** Runs the last good version's install.sh; `undefined` when it ended well, which is then in the journal. */
async function runGood(job: Job, good: GoodVersion, folder: string): Promise<Back | undefined> {
  const { deps } = job;
  const { name, rollbacks } = job.item();
  const attempt = rollbacks + 1;
  job.note({ rollbacks: attempt, rebootAsked: undefined });
  deps.checkpoint?.(`rollback begins ${name.file}`);
  const { app, version } = parseTarballName(good.file);
  const about = { app, version, previous: name.version, attempt, rollbackFrom: name.version };
  const timeout_s = deps.settings['install.timeout'];
  const end = await callDurably(job, { ...about, script: 'install.sh', folder, timeout_s }, ({ output }) =>
    keepOutput(job, output, `install.sh of v${good.version}, going back`),
  );
  if (end.aborted) throw new GweError('stopped', 'install.sh was stopped with gwe');
  if (end.status === EXIT_RUN_AGAIN_AFTER_REBOOT) return 'reboot';
  const how = describeEnd('install.sh', end, timeout_s);
  if (end.status !== 0) return failedBack(good, how);
  job.note({ wentBack: how });
  return undefined;
}

/** The program as it was before the update: the good version's own, or else the file that lay there, or else none. */
async function restoreProgram(
  job: Job,
  section: ReadonlyMap<string, string> | undefined,
): Promise<string | undefined> {
  const { name, tarball } = job.item();
  const { app } = name;
  if (section !== undefined) {
    return await placeProgram(job, app, programText(app, section, job.deps.settings['supervisor.log_dir']));
  }
  const kept = job.session.apps.keptProgram(app);
  if (kept !== undefined) return await placeProgram(job, app, kept);
  if (tarball?.supervisorConf !== undefined) return await removeProgram(job, app);
  return readIfThere(programPath(job, app)) === undefined ? undefined : await takeUp(job, app);
}

/** Nothing to go back to: uninstall.sh, if it has one, and its program goes. */
async function undoFirstInstall(job: Job): Promise<Back> {
  const notes = [await uninstall(job), await restoreOrSay(job)];
  const note = notes.filter((each) => each !== undefined).join('; ');
  return note === '' ? {} : { note };
}

async function restoreOrSay(job: Job): Promise<string | undefined> {
  try {
    return await restoreProgram(job, undefined);
  } catch (error) {
    const { code, message } = asGweError(error);
    if (code === 'disk-full') throw error;
    return `its program could not be taken away (${message})`;
  }
}

async function uninstall(job: Job): Promise<string | undefined> {
  const { name, tarball, attempt, rollbacks, wentBack } = job.item();
  if (tarball?.hasUninstall !== true) return undefined;
  if (wentBack !== undefined) return wentBack;
  if (rollbacks >= job.deps.settings['install.max_attempts']) return 'uninstall.sh did not come to its end';
  let folder: string;
  try {
    folder = await ensureUnpacked(job);
  } catch (error) {
    const { code, message } = asGweError(error);
    if (code === 'disk-full') throw error;
    return `uninstall.sh could not be unpacked (${message})`;
  }
  job.note({ rollbacks: rollbacks + 1 });
  const timeout_s = job.deps.settings['install.health_timeout'];
  const about = { ...name, previous: '', attempt, rollbackFrom: name.version };
  const end = await callDurably(job, { ...about, script: 'uninstall.sh', folder, timeout_s }, ({ output }) =>
    keepOutput(job, output, 'uninstall.sh'),
  );
  if (end.aborted) throw new GweError('stopped', 'uninstall.sh was stopped with gwe');
  const how = describeEnd('uninstall.sh', end, timeout_s);
  job.note({ wentBack: how });
  return how;
}
