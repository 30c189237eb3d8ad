#!/bin/bash
# Brings a real OpenStack (Debian 12 packages) up on this machine. See README.md.
set -u -o pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$HERE/parts/processes.sh"
. "$HERE/parts/write-config.sh"
. "$HERE/parts/install-packages.sh"

usage() { cat <<X
usage: openstack-up.sh [--real] [--reset] [--restart SERVICE] [--no-install] [--install-only] [--print]
  --real        QEMU guests in a network namespace instead of the fake hypervisor
  --reset       stop, then throw away all servers, images, users and faults first
  --restart     stop that service first ("keystone"), so that it starts with the settings of now
  --no-install  do not call apt
  --install-only  call apt, and nothing else
  --print       show the settings and what is running, change nothing
X
}

MODE=fake RESET=false RESTART= INSTALL=true INSTALL_ONLY=false PRINT=false
while [ $# -gt 0 ]; do
  case $1 in
    --real) MODE=real ;; --reset) RESET=true ;; --no-install) INSTALL=false ;; --install-only) INSTALL_ONLY=true ;; --print) PRINT=true ;;
    --restart) RESTART=${2:?a service is needed}; shift ;;
    -h|--help) usage; exit 0 ;; *) usage >&2; exit 2 ;;
  esac
  shift
done
settings

summary() {
  local f name up=
  for f in "$RUN"/*.pid; do name=$(basename "$f" .pid); ! ours "$name" || up="$up $name"; done
  cat <<X
mode        $MODE${NETNS:+   (network namespace $NETNS: ip netns exec $NETNS …)}
state       $S
keystone    http://127.0.0.1:$P_KEYSTONE/v3
others      glance $P_GLANCE  nova $P_NOVA  placement $P_PLACEMENT  neutron $P_NEUTRON  (rabbit $P_RABBIT $P_DIST $P_EPMD)
user        nodepool / $USER_PASS   project nodepool, domain Default, region RegionOne
admin       admin / $ADMIN_PASS   project admin
computes    $COMPUTES
clouds      OS_CLIENT_CONFIG_FILE=$S/clouds.yaml  (clouds osc-$MODE, osc-$MODE-admin)
shell       . $S/openrc
faults      $S/faults.json
running    ${up:- nothing}
X
}

if $PRINT; then summary; exit 0; fi
[ "$(id -u)" = 0 ] || die "must run as root"
mkdir -p "$OSC_STATE" && exec 9>"$OSC_STATE/$MODE.lock"
flock -w 600 9 || die "another openstack-up.sh holds $OSC_STATE/$MODE.lock"

if $RESET; then
  say "reset"
  "$HERE/openstack-down.sh" $([ $MODE = real ] && echo --real) 9>&- || die "could not stop the old one"
  rm -rf "$S"
fi
[ -z "$RESTART" ] || stop "$RESTART"
umask 022
mkdir -p "$S" "$RUN" "$LOG" "$CACHE" "$S"/{lock,nova,neutron,rabbit,glance/images,glance/staging,keystone}
chmod 700 "$S/keystone"
! $INSTALL || install_packages
! $INSTALL_ONLY || exit 0
for need in mariadbd rabbitmqctl uwsgi keystone-manage glance-api nova-api neutron-server placement-manage; do
  command -v $need >/dev/null || die "$need is missing; run without --no-install"
done

# ---- network namespace ---------------------------------------------------
if [ -n "$NETNS" ] && [ ! -e "/run/netns/$NETNS" ]; then
  ip netns add "$NETNS" || die "cannot make network namespace $NETNS"
  touch "$S/made-netns"
fi
[ -z "$NETNS" ] || "${IN_NS[@]}" ip link set lo up
[ "$MODE" != real ] || . "$HERE/parts/real-guests.sh"
[ "$MODE" != real ] || real_bridge

for p in KEYSTONE:keystone GLANCE:glance NOVA:nova-api PLACEMENT:placement NEUTRON:neutron RABBIT:rabbit; do
  port=P_${p%:*}
  ! ours "${p#*:}" && listening "${!port}" && die "port ${!port} is taken by another process; set OSC_PORT_OFFSET"
done

rm -rf "$S/python" && cp -r "$HERE/python" "$S/python"
write_config
write_client_files
[ -e "$S/faults.json" ] || echo '{"spawn": {"delay": 1.0}, "delete": {"delay": 0.5}, "snapshot": {"delay": 1.0}}' >"$S/faults.json"

# ---- database and message bus ---------------------------------------------
start_database() {
  if [ ! -d "$S/mysql/mysql" ]; then
    mariadb-install-db --no-defaults --user=root --datadir="$S/mysql" --auth-root-authentication-method=normal \
      --skip-test-db >"$LOG/install-db.log" 2>&1 || die "mariadb-install-db failed: $(tail -n 20 "$LOG/install-db.log")"
  fi
  start mysql mariadbd --no-defaults --user=root --datadir="$S/mysql" --socket="$SOCK" --skip-networking \
    --pid-file="$RUN/mysqld.own-pid" --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 \
    --innodb-buffer-pool-size=192M --innodb-log-file-size=64M --max-connections=600 --skip-log-bin \
    --skip-name-resolve --character-set-server=utf8mb4 --performance-schema=0
}

start_rabbit() {
  local host=localhost
  start epmd env ERL_EPMD_ADDRESS=127.0.0.1 epmd -port "$P_EPMD" -address 127.0.0.1
  wait_for epmd "epmd" listening "$P_EPMD"
  start rabbit env HOME="$S/rabbit" ERL_EPMD_PORT="$P_EPMD" ERL_EPMD_ADDRESS=127.0.0.1 \
    RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_NODENAME="osc-$MODE-$OFFSET@$host" \
    RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT="$P_RABBIT" RABBITMQ_DIST_PORT="$P_DIST" \
    RABBITMQ_CONFIG_FILE="$ETC/rabbitmq.conf" RABBITMQ_ENABLED_PLUGINS_FILE="$ETC/enabled_plugins" \
    RABBITMQ_MNESIA_BASE="$S/rabbit/db" RABBITMQ_LOG_BASE="$LOG/rabbitmq" RABBITMQ_PID_FILE="$RUN/rabbit.own-pid" \
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}' \
    /usr/lib/rabbitmq/bin/rabbitmq-server
}

# ---- schemas: migrated once per set of package versions, then restored from a dump ----
schema_key() { { dpkg-query -W -f '${Version}\n' python3-keystone python3-glance python3-nova python3-placement python3-neutron mariadb-server; echo 1; } | md5sum | cut -c1-12; }

migrate() {
  local keystone glance placement novas neutron
  keystone-manage --config-file "$ETC/keystone.conf" db_sync >"$LOG/sync-keystone.log" 2>&1 & keystone=$!
  { nova-manage --config-file "$ETC/nova.conf" api_db sync && nova-manage --config-file "$ETC/nova.conf" db sync --local_cell
  } >"$LOG/sync-nova.log" 2>&1 & novas=$!
  wait $keystone || die "keystone schema, see $LOG/sync-keystone.log"
  glance-manage --config-file "$ETC/glance-api.conf" db_sync >"$LOG/sync-glance.log" 2>&1 & glance=$!
  placement-manage --config-file "$ETC/placement/placement.conf" db sync >"$LOG/sync-placement.log" 2>&1 & placement=$!
  wait $glance || die "glance schema, see $LOG/sync-glance.log"
  wait $placement || die "placement schema, see $LOG/sync-placement.log"
  neutron-db-manage --config-file "$ETC/neutron.conf" upgrade heads >"$LOG/sync-neutron.log" 2>&1 & neutron=$!
  wait $novas || die "nova schema, see $LOG/sync-nova.log"
  wait $neutron || die "neutron schema, see $LOG/sync-neutron.log"
  mysqldump --no-defaults -S "$SOCK" -u root nova | sql nova_cell0
}

DATABASES="keystone glance placement neutron nova_api nova nova_cell0"

create_schemas() {
  local d dump; dump=$CACHE/schema-$(schema_key).sql
  for d in $DATABASES; do echo "CREATE DATABASE IF NOT EXISTS $d CHARACTER SET utf8mb3;"; done | sql || die "cannot create databases"
  if [ -s "$dump" ]; then
    say "schemas from cache"; sql <"$dump" || die "cannot restore $dump"
  else
    say "migrating schemas"; migrate
    mysqldump --no-defaults -S "$SOCK" -u root --databases $DATABASES >"$dump.new" && mv "$dump.new" "$dump"
  fi
  sql nova_api <<X || die "cannot register the cells"
INSERT INTO cell_mappings (created_at, uuid, name, transport_url, database_connection, disabled) VALUES
 (NOW(), '00000000-0000-0000-0000-000000000000', 'cell0', 'none:///', '$(db nova_cell0)', 0),
 (NOW(), UUID(), 'cell1', 'rabbit://guest:guest@127.0.0.1:$P_RABBIT/', '$(db nova)', 0);
X
  keystone-manage --config-file "$ETC/keystone.conf" fernet_setup --keystone-user root --keystone-group root >"$LOG/bootstrap.log" 2>&1 &&
  keystone-manage --config-file "$ETC/keystone.conf" bootstrap --bootstrap-password "$ADMIN_PASS" --bootstrap-region-id RegionOne \
    --bootstrap-public-url "http://127.0.0.1:$P_KEYSTONE/v3" --bootstrap-internal-url "http://127.0.0.1:$P_KEYSTONE/v3" \
    --bootstrap-admin-url "http://127.0.0.1:$P_KEYSTONE/v3" >>"$LOG/bootstrap.log" 2>&1 || die "keystone bootstrap, see $LOG/bootstrap.log"
  touch "$S/schemas-done"
}

map_hosts() {  # what host discovery would do some seconds later
  local i host
  for ((i = 1; i <= COMPUTES; i++)); do
    host=fake-$i; [ "$MODE" != real ] || host=osc-real-1
    echo "INSERT IGNORE INTO host_mappings (created_at, cell_id, host) SELECT NOW(), id, '$host' FROM cell_mappings WHERE name = 'cell1';"
  done | sql nova_api
}

# ---- services ---------------------------------------------------------------
wsgi() {  # wsgi NAME PORT SCRIPT PROCESSES [VAR=VALUE…]
  local name=$1 port=$2 script=$3 processes=$4; shift 4
  start "$name" env "$@" uwsgi --plugin python3 --master --need-app --lazy-apps --enable-threads --die-on-term \
    --thunder-lock --buffer-size 65535 --add-header 'Connection: close' --http-socket "127.0.0.1:$port" \
    --processes "$processes" --threads 1 --wsgi-file "$script"
}

# A copy in the state folder: Python writes its bytecode beside the sources, and the checkout may change meanwhile.
PYLIB=PYTHONPATH=$S/python

start_apis() {
  wsgi keystone $P_KEYSTONE /usr/bin/keystone-wsgi-public 2 OS_KEYSTONE_CONFIG_FILES="$ETC/keystone.conf"
}

start_rest() {
  wsgi placement $P_PLACEMENT /usr/bin/placement-api 1 OS_PLACEMENT_CONFIG_DIR="$ETC/placement"
  start neutron env "$PYLIB" neutron-server --config-file "$ETC/neutron.conf" --config-dir "$ETC/empty"
  start nova-conductor nova-conductor --config-file "$ETC/nova.conf" --config-dir "$ETC/empty"
  start nova-api nova-api --config-file "$ETC/nova.conf" --config-dir "$ETC/empty"
  start glance glance-api --config-file "$ETC/glance-api.conf" --config-dir "$ETC/empty"
  start nova-scheduler nova-scheduler --config-file "$ETC/nova.conf" --config-dir "$ETC/empty"
}

start_computes() {
  local i
  for ((i = 1; i <= COMPUTES; i++)); do
    start "nova-compute-$i" env "$PYLIB" OSC_FAULTS="$S/faults.json" \
      /usr/bin/python3 "$S/python/osc_drivers/compute.py" \
      --config-file "$ETC/nova.conf" --config-file "$ETC/nova-compute-$i.conf" --config-dir "$ETC/empty"
  done
}

STARTED=$(date +%s)
say "starting in $S"
start_database
start_rabbit
database_answers() { sql -e 'SELECT 1' >/dev/null 2>&1; }
wait_for mysql "database" database_answers
[ -e "$S/schemas-done" ] || create_schemas
map_hosts || die "cannot map the hosts to their cell"
wait_for rabbit "message bus" listening $P_RABBIT
say "database and message bus up"
start_apis
[ "$MODE" != real ] || real_start
wait_for keystone "keystone" listening $P_KEYSTONE
PROVISION=(/usr/bin/python3 "$HERE/parts/provision.py" --mode "$MODE" --state "$S" --offset "$OFFSET" --computes "$COMPUTES" --wait "$WAIT" --since "$STARTED"
  --admin-password "$ADMIN_PASS" --service-password "$SERVICE_PASS" --user-password "$USER_PASS")
[ -e "$S/provisioned" ] || "${IN_NS[@]}" "${PROVISION[@]}" identity || die "identity setup failed"
start_rest
wait_for placement "placement" listening $P_PLACEMENT
wait_for nova-conductor "conductor" grep -q 'Starting conductor node' "$LOG/nova-conductor.log"
start_computes
wait_for neutron "neutron" listening $P_NEUTRON
wait_for glance "glance" listening $P_GLANCE
wait_for nova-api "nova" listening $P_NOVA
say "services listen"
[ "$MODE" != real ] || { real_image || die "no guest image"; }
if [ ! -e "$S/provisioned" ]; then
  "${IN_NS[@]}" "${PROVISION[@]}" ${GUEST_IMAGE:+--image "$GUEST_IMAGE"} resources || die "resource setup failed"
  touch "$S/provisioned"
else
  "${IN_NS[@]}" "${PROVISION[@]}" ready || die "the computes did not come back"
fi
say "ready"
summary
