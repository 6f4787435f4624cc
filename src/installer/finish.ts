/** The phases `commit` and `report`: keeping what is healthy, and writing down how it ended, exactly once. */
import type { InstallEnd } from '../reports/ends.ts';
import { partPath } from './download.ts';
import type { Job, Step } from './job.ts';
import { completeBytes, type ItemResult, type JournalItem } from './journal-format.ts';
import { keptOutput } from './script.ts';
import { sweep } from './sweep.ts';

/** The phase `commit`: from here on this version is the way back. */
export function commit(job: Job): Step {
  const { deps, session } = job;
  const item = job.item();
  const { name, tarball, result } = item;
  const published_sha256 = item.delta?.rebuilt?.published_sha256;
  session.journal.withRoom(() =>
    session.apps.commit(partPath(deps.places.downloads, name.file), name, {
      size_bytes: completeBytes(item) ?? 0,
      sha256: tarball?.sha256 ?? '',
      ...(published_sha256 === undefined ? {} : { published_sha256 }),
      installed_ms: deps.clock.now(),
    }),
  );
  deps.checkpoint?.(`committed ${name.file}`);
  return { to: 'report', set: { result: { ...result, outcome: 'installed' } } };
}

/**
 * The phase `report`: the record of the application, then the report, then the item's files go, and only then does the
 * journal say that it ended. A crash anywhere between does it again, under the same id.
 */
export function report(job: Job): Step {
  const { deps, session } = job;
  const end = endOf(job);
  session.journal.withRoom(() => {
    noteInRecord(job, end);
    deps.report(end, job.key);
  });
  deps.checkpoint?.(`reported ${end.name}`);
  session.ends.push(end);
  sweep(session, job.key);
  return { to: 'ended' };
}

/** What could not be done with an application that is not installed leaves no record of it, unless something was run. */
function noteInRecord({ session }: Job, end: InstallEnd): void {
  const known = session.apps.read(end.app);
  if (end.app === '' || (known.good === undefined && known.last === undefined && end.attempt === undefined))
    return;
  session.apps.noteEnd(end.app, {
    version: end.version,
    outcome: end.outcome,
    time_ms: end.time_ms,
    ...(end.why === undefined ? {} : { why: end.why }),
    ...(end.digest === undefined ? {} : { sha256: end.digest }),
  });
  if (end.attempt !== undefined) session.apps.forgetProgram(end.app);
}

function endOf(job: Job): InstallEnd {
  const { name, result, attempt, spent_ms, tarball, since_ms, delta } = job.item();
  const known: ItemResult = result ?? { outcome: 'failed', why: 'its result was lost' };
  const output = keptOutput(job);
  return {
    name: name.file,
    app: name.app,
    version: name.version,
    ...known,
    time_ms: since_ms,
    duration_ms: spent_ms,
    ...(attempt === 0 ? {} : { attempt }),
    ...(tarball === undefined ? {} : { digest: delta?.rebuilt?.published_sha256 ?? tarball.sha256 }),
    ...fetched(job.item()),
    ...(output === undefined ? {} : { output }),
  };
}

/** What was fetched, where it was not just the tarball. */
function fetched({ delta, noDelta, content, result }: JournalItem): Partial<InstallEnd> {
  if (delta?.rebuilt !== undefined && content !== undefined)
    return { delta: { fetched_bytes: delta.size_bytes, whole_bytes: content.size_bytes } };
  if (noDelta === undefined) return {};
  return { note: [result?.note, noDelta].filter((each) => each !== undefined).join('; ') };
}

/** Tells that an item waits: no end, and under an id of its own. */
export function reportWaiting(job: Job): void {
  const { name, trouble, phase } = job.item();
  if (trouble === undefined) return;
  job.deps.report(
    {
      name: name.file,
      app: name.app,
      version: name.version,
      outcome: 'waiting',
      why: trouble.why,
      time_ms: trouble.since_ms,
    },
    `${job.key}-waiting-${phase}-${trouble.told}`,
  );
}
