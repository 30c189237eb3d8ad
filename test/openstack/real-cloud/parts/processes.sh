# Shared by openstack-up.sh and openstack-down.sh: settings, pid bookkeeping, small waits.
# Sourced, never run. MODE must be "fake" or "real" before `settings` is called.

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=
unset PYTHONPATH PYTHONHOME http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

settings() {
  OSC_STATE=${OSC_STATE:-/var/tmp/osc}
  OFFSET=${OSC_PORT_OFFSET:-0}
  WAIT=${OSC_WAIT:-180}
  COMPUTES=${OSC_COMPUTES:-2}
  IMAGE_DIR=${OSC_IMAGE_DIR:-$OSC_STATE/images}
  TOKEN_TTL=${OSC_TOKEN_TTL:-3600}
  MAX_LIMIT=${OSC_MAX_LIMIT:-1000}
  NETNS=${OSC_NETNS:-}
  if [ "$MODE" = real ]; then
    NETNS=${OSC_NETNS:-osc-real}
    COMPUTES=1
  fi
  S=$OSC_STATE/$MODE          # everything this mode owns
  CACHE=$OSC_STATE/cache      # empty database schemas, kept over --reset
  RUN=$S/run LOG=$S/log ETC=$S/etc
  SOCK=$S/mysql.sock
  P_KEYSTONE=$((5000 + OFFSET))  P_GLANCE=$((9292 + OFFSET))   P_NOVA=$((8774 + OFFSET))
  P_PLACEMENT=$((8778 + OFFSET)) P_NEUTRON=$((9696 + OFFSET))
  P_RABBIT=$((5672 + OFFSET))    P_DIST=$((25672 + OFFSET))    P_EPMD=$((4369 + OFFSET))
  ADMIN_PASS=osc-admin  SERVICE_PASS=osc-service  USER_PASS=osc-nodepool
  IN_NS=()
  [ -z "$NETNS" ] || IN_NS=(ip netns exec "$NETNS")
}

say()  { printf '%s [%3ds] %s\n' "openstack-$MODE:" "$SECONDS" "$*" >&2; }
die()  { say "ERROR: $*"; exit 1; }

# A pid alone may be reused by the kernel, so its start time is stored beside it. A zombie has none.
start_time() {
  local s; s=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  s=${s##*) }; set -- $s
  [ "$1" != Z ] && [ "$1" != X ] && echo "${20}"
}

ours() {  # ours NAME: true, and PID set, while the process we started under NAME lives
  local t
  [ -s "$RUN/$1.pid" ] || return 1
  read -r PID t <"$RUN/$1.pid"
  [ "$(start_time "$PID")" = "$t" ]
}

start() {  # start NAME COMMAND…: in its own process group, log in log/NAME.log
  local name=$1 pid; shift
  ours "$name" && return 0
  [ ! -s "$LOG/$name.log" ] || mv -f "$LOG/$name.log" "$LOG/$name.log.1"
  setsid "${IN_NS[@]}" "$@" >"$LOG/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  echo "$pid $(start_time "$pid")" >"$RUN/$name.pid"
}

stop() {  # stop NAME [SECONDS]: TERM, then KILL what is left of its process group
  local name=$1 left=$(( ${2:-10} * 10 ))
  ours "$name" || { rm -f "$RUN/$name.pid"; return 0; }
  kill -TERM "$PID" 2>/dev/null
  while [ "$left" -gt 0 ] && ours "$name"; do sleep 0.1; left=$((left - 1)); done
  kill -KILL -- "-$PID" 2>/dev/null || true
  rm -f "$RUN/$name.pid"
}

listening() { "${IN_NS[@]}" bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" 2>/dev/null; }

wait_for() {  # wait_for NAME TEXT COMMAND…: until COMMAND succeeds; fails at once if NAME dies
  local name=$1 text=$2 end=$((SECONDS + WAIT)); shift 2
  until "$@"; do
    if [ "$name" != - ] && ! ours "$name"; then tail -n 20 "$LOG/$name.log" >&2; die "$name died while waiting for $text"; fi
    [ $SECONDS -lt $end ] || { [ "$name" = - ] || tail -n 20 "$LOG/$name.log" >&2; die "no $text after ${WAIT}s"; }
    sleep 0.2
  done
}

sql() { mysql --no-defaults -S "$SOCK" -u root -N "$@"; }
