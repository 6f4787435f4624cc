#!/bin/sh
# vitals 1: how busy this gateway is, every few seconds, in the dataport "vitals".

reading() {
  read -r load _ </proc/loadavg
  echo "load $load"
}

if [ "${1:-}" = --check ]; then
  reading
  exit
fi
trap 'kill $! 2>/dev/null; exit 0' TERM INT
while :; do
  gdc write "$(gwe --gateway-cik)" vitals "$(reading)" || echo "the platform is out of reach; trying again" >&2
  sleep "${VITALS_INTERVAL_S:-10}" &
  wait $!
done
