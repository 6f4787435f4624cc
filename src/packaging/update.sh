#!/bin/sh
# Updates gwe through gwe: install.sh of gwe's own application tarball. Nothing is stopped or started here: gwe, which runs
# this script, becomes the new file at its next wake-up.
#
# The way back. Before the new file takes the name, this script leaves in gwe's state folder, durably and in this order,
#   start.sh     what supervisord's gwe.conf runs first: it tries the new file, and so needs nothing of it
#   self-update  that a trial is under way:  previous=PATH of the old file,  starts=0
# A complete check-in by the new file removes them both. Without one, after three starts, start.sh puts the old file back.
# May be run again after it was interrupted at any line: it ends the same way.
set -eu
umask 022

target=${GWE_EXECUTABLE:-/usr/local/bin/gwe}
state=${GWE_STATE_DIR:-/var/lib/gwe}
new=$(dirname "$target")/.$(basename "$target").new
previous=$target.previous
# A self-test that hangs must not hold up the gateway for as long as an install may take.
SELF_TEST_LIMIT_S=120

fail() {
  printf 'Cannot update %s: %s\n' "$target" "$1" >&2
  exit 1
}
# However this ends, what did not get the name does not stay.
trap 'rm -f "$new"' EXIT
trap 'exit 143' TERM INT

pick() {
  case $(uname -m) in
    x86_64 | amd64) file=gwe-linux-x64 ;;
    aarch64 | arm64) file=gwe-linux-arm64 ;;
    *) fail "there is no gwe for $(uname -m)" ;;
  esac
  [ -f "$file" ] || fail "this tarball has no $file"
  case $target in
    /*/gwe*) ;;
    *) fail 'gwe does not run from its single file' ;;
  esac
}

# Beside the old file, for only there is the last step one rename. A link where it can be: it takes no room on the disk.
lay_beside() {
  rm -f "$new"
  ln "$file" "$new" 2>/dev/null || cp "$file" "$new" || fail 'there is no room for the new file beside it'
  chmod 755 "$new"
  sync
}

limit=
self_test() {
  ! command -v timeout >/dev/null || limit="timeout $SELF_TEST_LIMIT_S"
  $limit "$new" --self-test || fail "the new file does not pass its self-test (exit $?)"
}

# A link where it can be, as above. After an interruption the two may be one file already: nothing is left to do then.
keep_previous() {
  ! cmp -s "$target" "$previous" || return 0
  rm -f "$previous.new"
  ln "$target" "$previous.new" 2>/dev/null || cp -p "$target" "$previous.new" || fail 'there is no room to keep the old file'
  sync
  mv -f "$previous.new" "$previous"
}

# The text of start.sh: what a shell does with a new file on trial.
trial() {
  cat <<'EOF'
@TRIAL@
EOF
}

quote() { printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"; }

announce() {
  { printf 'set -- %s %s\n' "$(quote "$state")" "$(quote "$target")" && trial; } >"$state/start.sh.new"
  printf 'previous=%s\nstarts=0\n' "$previous" >"$state/self-update.new"
  sync
  mv -f "$state/start.sh.new" "$state/start.sh"
  mv -f "$state/self-update.new" "$state/self-update"
  sync
}

pick
if cmp -s "$file" "$target"; then
  echo "$target is this version already: $("$target" --version | head -n 1)"
  exit 0
fi
[ -f "$target" ] || fail 'it is not there'
lay_beside
self_test
keep_previous
announce
mv -f "$new" "$target" || {
  rm -f "$state/self-update" "$state/start.sh"
  fail 'it could not be replaced'
}
sync
echo "$target is now $($limit "$target" --version | head -n 1), on trial; the version before is kept as $previous"
