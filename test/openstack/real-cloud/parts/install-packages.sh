# Installs the Debian packages. Sourced by openstack-up.sh.

PACKAGES_FAKE="keystone glance-api nova-api nova-conductor nova-scheduler python3-nova placement-api
  neutron-server rabbitmq-server mariadb-server mariadb-client python3-pymysql python3-fixtures
  python3-openstackclient uwsgi-core uwsgi-plugin-python3 iproute2 curl"
PACKAGES_REAL="python3-libvirt libvirt-daemon libvirt-daemon-driver-qemu libvirt-daemon-system libvirt-clients
  qemu-system-x86 qemu-utils genisoimage mmdebstrap extlinux syslinux-common e2fsprogs openssh-client"

preseed() {  # no dbconfig, no endpoint registration: this script does both itself
  local p
  for p in keystone:keystone glance-common:glance nova-common:nova placement-common:placement neutron-common:neutron; do
    echo "${p%:*} ${p#*:}/configure_db boolean false"
  done
  for p in keystone:keystone glance-api:glance nova-api:nova placement-api:placement neutron-api:neutron neutron-server:neutron; do
    echo "${p%:*} ${p#*:}/register-endpoint boolean false"
  done
}

missing() { dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null | awk '$2 == "installed" {print $1}' >"$RUN/have"
  printf '%s\n' "$@" | grep -vxFf "$RUN/have"; }

install_packages() {
  local want=$PACKAGES_FAKE need
  [ "$MODE" != real ] || want="$want $PACKAGES_REAL"
  need=$(missing $want) || true
  [ -n "$need" ] || return 0
  say "installing: $(echo $need)"
  export DEBIAN_FRONTEND=noninteractive
  if [ ! -e /usr/sbin/policy-rc.d ]; then  # nothing may start by itself
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  preseed | debconf-set-selections
  {
    [ -n "$(find /var/lib/apt/lists -name '*Packages*' -mmin -600 2>/dev/null | head -n 1)" ] || patient_apt update
    patient_apt -y --no-install-recommends install $need
  } >"$LOG/install.log" 2>&1 || { tail -n 20 "$LOG/install.log" >&2; die "apt failed, see $LOG/install.log"; }
}

patient_apt() { apt-get -o DPkg::Lock::Timeout=600 "$@"; }
