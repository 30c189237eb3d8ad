#!/bin/bash
# Stops what openstack-up.sh started, and nothing else. See README.md.
set -u -o pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/parts/processes.sh"

usage() { cat <<X
usage: openstack-down.sh [--real] [--wipe | --kill SERVICE]
  --wipe   also deletes the state of this mode
  --kill   ends that service alone ("nova-api"), as a crash would; openstack-up.sh starts it again
X
}

MODE=fake WIPE=false KILL=
while [ $# -gt 0 ]; do
  case $1 in
    --real) MODE=real ;; --wipe) WIPE=true ;; --kill) KILL=${2:?a service is needed}; shift ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
settings
if [ -n "$KILL" ]; then
  ours "$KILL" || die "$KILL does not run"
  stop "$KILL" 0
  exit 0
fi
[ -d "$RUN" ] || { say "nothing to stop in $S"; exit 0; }
[ "$MODE" != real ] || { . "$HERE/parts/real-guests.sh"; real_stop_guests; }

mapfile -t COMPUTE_NAMES < <(cd "$RUN" && ls nova-compute-*.pid 2>/dev/null | sed 's/\.pid$//')
stop_all() { local n; for n in "$@"; do stop "$n" 8 & done; wait; }
stop_all "${COMPUTE_NAMES[@]}" nova-api nova-conductor nova-scheduler neutron glance placement keystone
[ "$MODE" != real ] || real_stop
stop_all rabbit mysql
stop epmd 3
left=$(for f in "$RUN"/*.pid; do [ -e "$f" ] || continue; n=$(basename "$f" .pid); ours "$n" && echo "$n"; done)
[ -z "$left" ] || die "still running: $left"
if [ -n "$NETNS" ] && [ -e "$S/made-netns" ] && [ -e "/run/netns/$NETNS" ]; then
  ip netns del "$NETNS" && rm -f "$S/made-netns"
fi
! $WIPE || rm -rf "$S"
say "stopped$($WIPE && echo ' and wiped')"
