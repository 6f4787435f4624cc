#!/bin/sh
# Puts vitals where its program file expects it. Safe to run again, as happens after a power cut: a file is written
# beside and renamed, so there is always a whole one.
set -eu
home="${VITALS_HOME:-/opt/vitals}"
mkdir -p "$home"
cp vitals.sh "$home/vitals.sh.new"
mv "$home/vitals.sh.new" "$home/vitals.sh"
echo "vitals $GWE_APP_VERSION is in $home; before it there was ${GWE_PREVIOUS_VERSION:-nothing}"
