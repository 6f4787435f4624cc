/**
 * gwe updates gwe: the trial of a new file. The application tarball of gwe lays the new file in place, keeps the old one
 * beside it and leaves a mark in the state folder, and with it start.sh, which supervisord's gwe.conf runs first for as
 * long as it is there: a reboot in the middle of a trial goes on with it. From then on a shell, not gwe, decides: it starts the new file for one
 * check-in at a time; a complete one settles it, three starts without one (crash, hang, exit) bring the old file back.
 * A platform that nobody reaches proves nothing: then the old file is asked, and only if it gets through where the new
 * one did not, that counts.
 */
import { join } from 'node:path';
import { readIfThere, removeDurably } from '../host/files.ts';

/** Starts that the new file has to complete a check-in. */
export const TRIAL_STARTS = 3;
/**
 * A start that takes longer hangs. Longer than a check-in with every time limit at its default, without an install. For a
 * line on which it takes longer still: GWE_TRIAL_START_LIMIT_S and GWE_TRIAL_PAUSE_S in the environment of gwe.
 */
export const TRIAL_START_LIMIT_S = 600;
/** Pause between two starts of a trial. */
export const TRIAL_PAUSE_S = 5;
/** Pause while neither file reaches the platform. */
export const TRIAL_OFFLINE_PAUSE_S = 60;
/** How a start says "no complete check-in, but the network or the platform was the reason" (sysexits' EX_TEMPFAIL). */
export const EXIT_TRY_LATER = 75;

const MARK = 'self-update';
const FAILED = 'self-update-failed';
const START = 'start.sh';

/** The names of the trial's files in the state folder. */
export function trialFiles(stateFolder: string): { mark: string; failed: string; start: string } {
  return {
    mark: join(stateFolder, MARK),
    failed: join(stateFolder, FAILED),
    start: join(stateFolder, START),
  };
}

/** Where the old file lies while a trial is under way, or `undefined`. */
export function trialUnderWay(stateFolder: string): { previous: string } | undefined {
  const mark = readIfThere(trialFiles(stateFolder).mark);
  const previous = mark?.match(/^previous=(.+)$/m)?.[1];
  return previous === undefined ? undefined : { previous };
}

/** The new file has completed a check-in: it stays. */
export function settleTrial(stateFolder: string): void {
  const files = trialFiles(stateFolder);
  removeDurably(files.mark);
  removeDurably(files.start);
}

/** What the shell noted when it went back to the old file, or `undefined`. */
export function failedTrial(stateFolder: string): string | undefined {
  return readIfThere(trialFiles(stateFolder).failed)?.trim();
}

/** The note has been told. */
export function forgetFailedTrial(stateFolder: string): void {
  removeDurably(trialFiles(stateFolder).failed);
}

/**
 * What the shell of a trial does: $1 is the state folder, $2 the file of gwe, the rest its arguments. Each start of the
 * new file is written down before it begins, so a reboot in the middle counts too. Who watches over a start ends by itself
 * when the start is no longer watched: a signal to a shell that was forked just before can be lost. A mark without the
 * old file says that a power cut came just after the way back; on a disk that refuses, the old file runs where it lies.
 */
export const TRIAL_LINE = `
state=$1 file=$2; shift 2
mark=$state/${MARK}; child=; watched=
quit() { rm -f "$watched"; kill $child $! 2>/dev/null; wait $child 2>/dev/null; exit 143; }
trap quit TERM INT; trap : WINCH HUP
previous=$(sed -n 's/^previous=//p' "$mark" 2>/dev/null)
starts=$(sed -n 's/^starts=//p' "$mark" 2>/dev/null)
pause() { sleep "$1" </dev/null >/dev/null 2>&1 & child=$!; wait $child || { kill $child; wait $child; } 2>/dev/null; child=; }
note() { printf 'previous=%s\\nstarts=%s\\n' "$previous" "$1" >"$mark.new" && mv "$mark.new" "$mark" && sync; }
watch() {
  n=0; while [ -e "$watched" ] && [ $n -lt \${GWE_TRIAL_START_LIMIT_S:-${TRIAL_START_LIMIT_S}} ]; do sleep 1; n=$((n + 1)); done
  [ ! -e "$watched" ] || kill -9 $child
}
check_in() {
  GWE_TRIAL=1 "$@" --once & child=$!
  watched=$state/.watched.$child; echo >"$watched"
  watch </dev/null >/dev/null 2>&1 &
  wait $child; ended=$?
  while [ $ended -gt 128 ] && kill -0 $child 2>/dev/null; do wait $child; ended=$?; done
  rm -f "$watched"; child=
  return $ended
}
[ -n "$starts" ] || starts=0
while [ -e "$mark" ] && [ -n "$previous" ] && [ "$starts" -lt ${TRIAL_STARTS} ]; do
  starts=$((starts + 1)); note "$starts"
  check_in "$file" "$@"; status=$?; how="last exit $status"
  [ -e "$mark" ] || break
  if [ $status -eq ${EXIT_TRY_LATER} ]; then
    check_in "$previous" "$@"
    if [ $? -eq ${EXIT_TRY_LATER} ]; then starts=$((starts - 1)); note "$starts"; pause ${TRIAL_OFFLINE_PAUSE_S}; continue; fi
    how="$how: it does not reach the platform, which the old version does"
  fi
  echo "gwe: the new version ended with $status without a complete check-in (start $starts of ${TRIAL_STARTS})" >&2
  [ "$starts" -ge ${TRIAL_STARTS} ] || pause \${GWE_TRIAL_PAUSE_S:-${TRIAL_PAUSE_S}}
done
if [ -e "$mark" ] && [ -e "$previous" ]; then
  echo "gwe: going back to $previous" >&2
  echo "the new version did not complete a check-in within ${TRIAL_STARTS} starts\${how:+ ($how)}" >"$state/${FAILED}"
  sync
  mv -f "$previous" "$file" || file=$previous
fi
[ "$file" = "$previous" ] || { rm -f "$mark" "$state/${START}"; sync; }
trap - TERM INT
exec "$file" "$@"
`.trim();
