# Writes every configuration file under $ETC. Sourced by openstack-up.sh after `settings`.

db() { echo "mysql+pymysql://root@localhost/$1?unix_socket=$SOCK&charset=utf8mb4"; }

messaging() { cat <<X
transport_url = rabbit://guest:guest@127.0.0.1:$P_RABBIT/
use_stderr = false
log_dir =
debug = ${OSC_DEBUG:-false}
graceful_shutdown_timeout = 2
X
}

database() { cat <<X
connection = $(db "$1")
max_pool_size = 10
max_overflow = 30
X
}

credentials() { cat <<X
auth_type = password
auth_url = http://127.0.0.1:$P_KEYSTONE/v3
username = $1
password = $SERVICE_PASS
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = RegionOne
X
}

keystone_middleware() { credentials "$1"; cat <<X
www_authenticate_uri = http://127.0.0.1:$P_KEYSTONE/v3
service_token_roles_required = true
token_cache_time = 60
X
}

write_config() {
  mkdir -p "$ETC" "$ETC/placement" "$ETC/empty"
  config_keystone >"$ETC/keystone.conf"
  config_glance   >"$ETC/glance-api.conf"
  config_placement >"$ETC/placement/placement.conf"
  config_neutron  >"$ETC/neutron.conf"
  config_nova     >"$ETC/nova.conf"
  local i
  for ((i = 1; i <= COMPUTES; i++)); do config_compute "$i" >"$ETC/nova-compute-$i.conf"; done
  echo "[]." >"$ETC/enabled_plugins"
  echo "disk_free_limit.absolute = 50MB
loopback_users = none" >"$ETC/rabbitmq.conf"
}

config_keystone() { cat <<X
[DEFAULT]
use_stderr = false
log_dir =
public_endpoint = http://127.0.0.1:$P_KEYSTONE
[database]
$(database keystone)
[token]
provider = fernet
expiration = $TOKEN_TTL
allow_expired_window = 0
[fernet_tokens]
key_repository = $S/keystone/fernet-keys
[credential]
key_repository = $S/keystone/credential-keys
[identity]
password_hash_rounds = 4
X
}

config_glance() { cat <<X
[DEFAULT]
$(messaging)
bind_host = 127.0.0.1
bind_port = $P_GLANCE
workers = 1
node_staging_uri = file://$S/glance/staging
image_size_cap = 21474836480
api_limit_max = $MAX_LIMIT
[database]
$(database glance)
[glance_store]
stores = file,http
default_store = file
filesystem_store_datadir = $S/glance/images
[paste_deploy]
flavor = keystone
config_file = /etc/glance/glance-api-paste.ini
[oslo_concurrency]
lock_path = $S/lock/glance
[keystone_authtoken]
$(keystone_middleware glance)
X
}

config_placement() { cat <<X
[DEFAULT]
use_stderr = false
log_dir =
[api]
auth_strategy = keystone
[placement_database]
$(database placement)
[keystone_authtoken]
$(keystone_middleware placement)
X
}

config_neutron() { cat <<X
[DEFAULT]
$(messaging)
bind_host = 127.0.0.1
bind_port = $P_NEUTRON
api_workers = 1
rpc_workers = 1
rpc_state_report_workers = 0
state_path = $S/neutron
api_paste_config = /etc/neutron/api-paste.ini
core_plugin = ml2
service_plugins = router
dhcp_agent_notification = false
allow_automatic_dhcp_failover = false
notify_nova_on_port_status_changes = true
notify_nova_on_port_data_changes = true
send_events_interval = 1
[ml2]
type_drivers = local,flat
tenant_network_types = local
mechanism_drivers = osc
extension_drivers = port_security
[ml2_type_flat]
flat_networks = *
[database]
$(database neutron)
[keystone_authtoken]
$(keystone_middleware neutron)
[nova]
$(credentials nova)
[placement]
$(credentials placement)
[oslo_concurrency]
lock_path = $S/lock/neutron
X
}

config_nova() { cat <<X
[DEFAULT]
$(messaging)
my_ip = 127.0.0.1
host = osc-control
state_path = $S/nova
enabled_apis = osapi_compute
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = $P_NOVA
osapi_compute_workers = 2
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
shutdown_timeout = 5
heal_instance_info_cache_interval = 30
update_resources_interval = 60
periodic_fuzzy_delay = 0
$( [ "$MODE" = real ] && printf '%s\n' 'force_config_drive = true' 'config_drive_format = iso9660' 'mkisofs_cmd = genisoimage')
[api]
auth_strategy = keystone
max_limit = $MAX_LIMIT
[wsgi]
api_paste_config = /etc/nova/api-paste.ini
[api_database]
$(database nova_api)
[database]
$(database nova)
[keystone_authtoken]
$(keystone_middleware nova)
[service_user]
send_service_user_token = false
[placement]
$(credentials placement)
[neutron]
$(credentials neutron)
[glance]
api_servers = http://127.0.0.1:$P_GLANCE
region_name = RegionOne
[cinder]
catalog_info = volumev3::publicURL
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 30
[filter_scheduler]
build_failure_weight_multiplier = 0
[oslo_concurrency]
lock_path = $S/lock/nova
[vnc]
enabled = false
[nova_sys_admin]
helper_command = privsep-helper --config-file $ETC/nova.conf
[vif_plug_linux_bridge_privileged]
helper_command = privsep-helper --config-file $ETC/nova.conf
X
}

config_compute() {  # one file per compute, on top of nova.conf
  if [ "$MODE" = real ]; then cat <<X
[DEFAULT]
host = osc-real-1
compute_driver = libvirt.LibvirtDriver
instances_path = $S/nova/instances
default_ephemeral_format = ext4
[libvirt]
virt_type = qemu
cpu_mode = none
connection_uri = qemu+unix:///system?socket=$S/libvirt/run/libvirt-sock
inject_partition = -2
num_pcie_ports = 8
disk_cachemodes = file=unsafe
[workarounds]
disable_libvirt_livesnapshot = ${OSC_COLD_SNAPSHOT:-false}
X
  else cat <<X
[DEFAULT]
host = fake-$1
compute_driver = osc_fake.FaultyFakeDriver
X
  fi
}

write_client_files() {
  cat >"$S/clouds.yaml" <<X
clouds:
  osc-$MODE: {auth: {auth_url: "http://127.0.0.1:$P_KEYSTONE/v3", username: nodepool, password: $USER_PASS, project_name: nodepool, user_domain_name: Default, project_domain_name: Default}, region_name: RegionOne, identity_api_version: 3, interface: public}
  osc-$MODE-admin: {auth: {auth_url: "http://127.0.0.1:$P_KEYSTONE/v3", username: admin, password: $ADMIN_PASS, project_name: admin, user_domain_name: Default, project_domain_name: Default}, region_name: RegionOne, identity_api_version: 3, interface: public}
X
  cat >"$S/openrc" <<X
export OS_AUTH_URL=http://127.0.0.1:$P_KEYSTONE/v3 OS_IDENTITY_API_VERSION=3 OS_REGION_NAME=RegionOne
export OS_USERNAME=nodepool OS_PASSWORD=$USER_PASS OS_PROJECT_NAME=nodepool
export OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default
X
  sed -e "s/OS_USERNAME=nodepool OS_PASSWORD=$USER_PASS OS_PROJECT_NAME=nodepool/OS_USERNAME=admin OS_PASSWORD=$ADMIN_PASS OS_PROJECT_NAME=admin/" \
    "$S/openrc" >"$S/openrc-admin"
  cat >"$S/cloud.json" <<X
{
  "origins": {"identity": "http://127.0.0.1:$P_KEYSTONE", "compute": "http://127.0.0.1:$P_NOVA", "image": "http://127.0.0.1:$P_GLANCE", "network": "http://127.0.0.1:$P_NEUTRON"},
  "userName": "nodepool", "password": "$USER_PASS", "projectName": "nodepool",
  "admin": {"userName": "admin", "password": "$ADMIN_PASS", "projectName": "admin"},
  "faultsFile": "$S/faults.json"
}
X
}
