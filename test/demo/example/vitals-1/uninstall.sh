#!/bin/sh
# Takes back what install.sh did, when a first install was not healthy.
rm -rf "${VITALS_HOME:-/opt/vitals}"
