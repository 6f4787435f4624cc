#!/bin/sh
# vitals 2: as vitals 1, and also how much memory is left and how long the gateway has been up, as JSON.

reading() {
  read -r load _ </proc/loadavg
  read -r up _ </proc/uptime
  free=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
  echo "{\"load\": $load, \"free_kB\": ${free:-null}, \"up_s\": ${up%.*}}"
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
