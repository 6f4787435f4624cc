#!/bin/sh
# Installs gwe on this machine, or updates or removes it. May be run again at any time; needs nothing but a POSIX shell
# and the usual small commands. Lies beside the files gwe-linux-x64 and gwe-linux-arm64 (one of them is enough).
set -eu
umask 022

usage() {
  cat <<'EOF'
usage: ./install.sh [--prefix DIR] [--arch ARCH] [-- SETTING...]
       ./install.sh --uninstall [--purge] [--prefix DIR]

Installs the gwe that lies beside this script and fits this machine.

  --prefix DIR   install below DIR instead of /usr/local
  --arch ARCH    x64 or arm64 instead of what this machine is (for an image that is made here)
  --uninstall    remove what was installed; configuration and state are kept
  --purge        with --uninstall: remove /etc/gwe and /var/lib/gwe too
  -h, --help     this text
  SETTING...     handed to gwe before it is started, for instance:
                 ./install.sh -- --set-product-id PRODUCT --set-uuid SERIAL

With DESTDIR in the environment everything goes below that folder, and no running program is touched.
Exit status: 0 done, 1 it could not be done, 2 wrong usage.
EOF
}

say() { printf '%s\n' "$*"; }

fail() {
  printf 'install.sh: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '%s\n' "$2" >&2
  exit 1
}

wrong_usage() {
  printf 'install.sh: %s\n' "$1" >&2
  usage >&2
  exit 2
}

# The text of supervisord's gwe.conf, for the file $1.
gwe_conf() {
  sed "s|@GWE@|$1|" <<'EOF'
@GWE_CONF@
EOF
}

# Which of the files fits: $1 is what `uname -m` or the person says.
file_for() {
  case $1 in
    x86_64 | amd64 | x64) echo gwe-linux-x64 ;;
    aarch64 | arm64) echo gwe-linux-arm64 ;;
    *) fail "there is no gwe for the architecture $1" 'There is one for x86_64 and for aarch64.' ;;
  esac
}

# Compares the file $1 with the list of digests beside it, where there is one.
verify() {
  [ -e "$here/SHA256SUMS" ] || return 0
  command -v sha256sum >/dev/null || fail 'cannot verify gwe: there is no sha256sum' 'Install it, or remove SHA256SUMS.'
  wanted=$(sed -n "s/^\([0-9a-f]\{64\}\)  $1\$/\1/p" "$here/SHA256SUMS")
  found=$(sha256sum <"$here/$1" | cut -d ' ' -f 1)
  [ "$found" = "$wanted" ] || fail "$1 is not what SHA256SUMS lists" "Copy it here again. Its digest is $found."
}

# Copies file $1 to $2 with mode $3, so that $2 is the old or the new file at any instant.
put() {
  beside=$(dirname "$2")/.$(basename "$2").new
  if ! { cp "$1" "$beside" && chmod "$3" "$beside" && mv -f "$beside" "$2"; }; then
    rm -f "$beside"
    fail "cannot write $2"
  fi
}

# Makes folder $1 with mode $2.
folder() {
  mkdir -p "$1" || fail "cannot make the folder $1"
  chmod "$2" "$1"
}

# The file is tried before it takes the name: it may be for another C library, or the copy may be damaged.
install_file() {
  mkdir -p "$bin" || fail "cannot make the folder $bin"
  [ ! -e "$bin/gwe" ] || update=yes
  cp "$here/$file" "$bin/.gwe.new" || fail "cannot write below $bin" 'gwe needs about 110 MB there.'
  chmod 755 "$bin/.gwe.new"
  if [ -z "$arch" ] && ! "$bin/.gwe.new" --version >/dev/null; then
    fail "$file does not run on this machine" 'It needs Linux with glibc 2.28 or later and libstdc++ 6.'
  fi
  sync
  mv -f "$bin/.gwe.new" "$bin/gwe"
  if [ -L "$bin/gdc" ] || [ ! -e "$bin/gdc" ]; then
    ln -sf gwe "$bin/gdc"
  else
    say "$bin/gdc is somebody else's, and stays. For gwe's own, make a link in another folder: ln -s $bin/gwe FOLDER/gdc"
  fi
}

# The man page and bash's completion: gwe works without them, so nothing that goes wrong here is an error.
install_words() {
  if [ -e "$here/gwe.1" ]; then
    mkdir -p "$share/man/man1" && put "$here/gwe.1" "$share/man/man1/gwe.1" 644
  fi
  [ -z "$arch" ] || return 0
  completions=$share/bash-completion/completions
  if "$bin/gwe" completion bash >"$bin/.gwe-completion" 2>/dev/null; then
    mkdir -p "$completions" && put "$bin/.gwe-completion" "$completions/gwe" 644
  fi
  rm -f "$bin/.gwe-completion"
}

supervisord_runs() { [ -z "$root" ] && command -v supervisorctl >/dev/null && supervisorctl pid >/dev/null 2>&1; }

install_conf() {
  conf=$root/etc/supervisor/conf.d/gwe.conf
  if [ -z "$root" ] && [ ! -d /etc/supervisor ] && ! command -v supervisord >/dev/null; then
    say 'There is no supervisord: install it (apt-get install supervisor) and run this again, or start gwe some other way.'
    return 0
  fi
  gwe_conf "$prefix/bin/gwe" >"$bin/.gwe.conf"
  if [ -e "$conf" ] && [ "$(head -n 1 "$conf")" != "$(head -n 1 "$bin/.gwe.conf")" ]; then
    say "$conf was changed by hand, and stays as it is"
  elif ! cmp -s "$bin/.gwe.conf" "$conf"; then
    mkdir -p "$(dirname "$conf")" && put "$bin/.gwe.conf" "$conf" 644
  fi
  rm -f "$bin/.gwe.conf"
}

start() {
  if [ ! -e "$root/etc/gwe/Gateway.cfg" ]; then
    say 'Now tell it who it is, and start it:'
    say '  gwe --set-product-id PRODUCT --set-uuid SERIAL'
    say '  supervisorctl update gwe'
  elif supervisord_runs; then
    supervisorctl update gwe
    [ $update = no ] || say 'gwe goes on with the new file at its next check-in; gwe --check-now makes that now.'
  else
    say 'supervisord starts it the next time that supervisord itself starts.'
  fi
}

configure() {
  [ -z "$arch" ] || fail "cannot run a gwe for $arch to configure it" 'Leave the settings out.'
  GWE_CONFIG_DIR=$root/etc/gwe GWE_STATE_DIR=$root/var/lib/gwe "$bin/gwe" "$@" || fail "gwe refused: $*"
}

install_all() {
  file=$(file_for "${arch:-$(uname -m)}")
  [ -f "$here/$file" ] || fail "$file is not beside this script" "It was looked for in $here."
  verify "$file"
  install_file
  folder "$root/etc/gwe" 700
  folder "$root/etc/gwe/keys" 755
  folder "$root/var/lib/gwe" 700
  install_words
  [ $# -eq 0 ] || configure "$@"
  install_conf
  sync
  say "Installed $bin/gwe"
  [ -n "$root" ] || start
}

uninstall_all() {
  rm -f "$root/etc/supervisor/conf.d/gwe.conf"
  ! supervisord_runs || supervisorctl update gwe
  [ ! -L "$bin/gdc" ] || [ "$(readlink "$bin/gdc")" != gwe ] || rm -f "$bin/gdc"
  rm -f "$bin/gwe" "$bin/gwe.previous" "$bin/.gwe.new"
  rm -f "$share/man/man1/gwe.1" "$share/bash-completion/completions/gwe"
  if [ $purge = yes ]; then
    rm -rf "$root/etc/gwe" "$root/var/lib/gwe"
    rm -f "$root/var/log/gwe.log" "$root"/var/log/gwe.log.[0-9]
    say 'gwe is removed, with its configuration and state.'
  else
    say 'gwe is removed. /etc/gwe and /var/lib/gwe are kept; --purge removes them too.'
  fi
}

prefix=/usr/local arch='' action=install purge=no update=no
while [ $# -gt 0 ]; do
  case $1 in
    --prefix | --arch) [ $# -ge 2 ] || wrong_usage "$1 needs a value" ;;
  esac
  case $1 in
    --prefix) prefix=$2 && shift ;;
    --prefix=*) prefix=${1#*=} ;;
    --arch) arch=$2 && shift ;;
    --arch=*) arch=${1#*=} ;;
    --uninstall) action=uninstall ;;
    --purge) purge=yes ;;
    -h | --help) usage && exit 0 ;;
    --) shift && break ;;
    *) wrong_usage "unknown argument: $1" ;;
  esac
  shift
done
case $prefix in
  [!/]* | '') wrong_usage "--prefix must be an absolute path: $prefix" ;;
  *[!A-Za-z0-9._/+-]*) wrong_usage "--prefix has characters that gwe.conf cannot hold: $prefix" ;;
esac
[ $purge = no ] || [ $action = uninstall ] || wrong_usage '--purge goes with --uninstall'

here=$(cd "$(dirname "$0")" && pwd)
root=${DESTDIR:-}
bin=$root$prefix/bin
share=$root$prefix/share
if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then fail 'only root may do that' "Run it with sudo: sudo $0"; fi
trap 'rm -f "$bin/.gwe.new" "$bin/.gwe.conf" "$bin/.gwe-completion"' EXIT
if [ $action = install ]; then install_all "$@"; else uninstall_all; fi
