#!/bin/bash
# PID 1 inside an instance: first-boot settings, sshd, the image's services, zombies, shutdown and reboot.
# /run/devfarm (written by the host before the boot) holds metadata, resolv.conf, authorized_keys and, where given, user-data.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=linux LANG=C.UTF-8
. /run/devfarm/metadata
log() { printf '[%s] init: %s\n' "$(date -u +%T)" "$*"; }
log "booting ${DEVFARM_NAME} (${DEVFARM_ID}) at ${DEVFARM_ADDRESS}:${DEVFARM_PORT}${1:+, $1}"

want=
trap 'want=poweroff' TERM INT
trap 'want=reboot' USR1

# --- every boot
[ -L /tmp ] || find /tmp -mindepth 1 -delete 2>/dev/null
mkdir -p /run/sshd /run/lock /run/user
rm -f /etc/resolv.conf
cp /run/devfarm/resolv.conf /etc/resolv.conf 2>/dev/null
[ -L /var/run ] || ln -sfn /run /var/run 2>/dev/null
# A whole address and port: with a wildcard the first instance would take the port of all others.
mkdir -p /etc/ssh/sshd_config.d
cat >/etc/ssh/sshd_config.d/00-devfarm.conf <<CONF
ListenAddress ${DEVFARM_ADDRESS}:${DEVFARM_PORT}
PidFile /run/sshd.pid
UsePAM yes
UseDNS no
PermitRootLogin prohibit-password
CONF
grep -qs '^Include /etc/ssh/sshd_config.d' /etc/ssh/sshd_config || sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config
# Without CAP_AUDIT_CONTROL this module fails where the host set a loginuid, and "required" would end each login at once.
sed -i 's/^\(session[[:space:]]*\)required\([[:space:]]*pam_loginuid\)/\1optional\2/' /etc/pam.d/* 2>/dev/null
for verb in reboot poweroff; do
  [ "$verb" = reboot ] && signal=USR1 || signal=TERM
  printf '#!/bin/sh\nkill -%s 1\n' "$signal" >/usr/local/sbin/$verb
  chmod 755 /usr/local/sbin/$verb
done
ln -sf poweroff /usr/local/sbin/halt
cat >/usr/local/bin/hostname <<'SHIM'
#!/bin/sh
# sethostname(2) needs a capability that instances lack in root mode; this file only its owner.
case ${1:-} in '' | -*) exec /bin/hostname "$@" ;; esac
[ -w /proc/sys/kernel/hostname ] && echo "$1" >/proc/sys/kernel/hostname || exec /bin/hostname "$@"
SHIM
chmod 755 /usr/local/bin/hostname

inject_keys() { # user home
  local file=$2/.ssh/authorized_keys
  mkdir -p -m 700 "$2/.ssh"
  touch "$file"
  sed -i '/ devfarm-injected$/d' "$file" # the keys of the instance that the snapshot was taken from
  sed 's/$/ devfarm-injected/' /run/devfarm/authorized_keys >>"$file"
  chmod 600 "$file"
  chown -R "$1:" "$2/.ssh"
}

# --- first boot of this instance, also of one made from another's snapshot
mkdir -p /var/lib/devfarm
if [ "$(cat /var/lib/devfarm/instance-id 2>/dev/null)" != "$DEVFARM_ID" ]; then
  echo "$DEVFARM_NAME" >/etc/hostname
  printf '127.0.0.1 localhost\n%s %s %s\n' "$DEVFARM_ADDRESS" "$DEVFARM_NAME" "${DEVFARM_NAME%%.*}" >/etc/hosts
  rm -f /etc/ssh/ssh_host_*                       # or all nodes of an image would share their keys
  for kind in ed25519 ecdsa; do
    ssh-keygen -q -N '' -t $kind -f /etc/ssh/ssh_host_${kind}_key
  done
  inject_keys root /root
  [ ! -d /home/debian ] || inject_keys debian /home/debian # as Debian's cloud images do
  rm -f /var/lib/dbus/machine-id
  tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
  echo "$DEVFARM_ID" >/var/lib/devfarm/instance-id
  first_boot=yes
fi

# --- services that packages of the image have enabled, then rc.local
run_user_data() {
  local mark
  IFS= read -r -n 2 mark </run/devfarm/user-data
  [ "$mark" = '#!' ] || { log 'user-data is no script (no "#!"), left alone'; return; }
  chmod 700 /run/devfarm/user-data
  /run/devfarm/user-data </dev/null
  log "user-data ended with $?"
}
start_services() {
  local script
  for script in /etc/rc2.d/S*; do
    case $script in *ssh | *'*') continue ;; esac
    "$script" start </dev/null
  done
  [ ! -x /etc/rc.local ] || /etc/rc.local </dev/null
  [ -z "${first_boot:-}" ] || [ ! -s /run/devfarm/user-data ] || run_user_data
}
start_services &

others() { local entry; for entry in /proc/[1-9]*; do [ "$entry" = /proc/1 ] || return 0; done; return 1; }
stop_all() {
  local script
  for script in /etc/rc2.d/S*; do
    case $script in *ssh | *'*') ;; *) timeout 2 "$script" stop </dev/null ;; esac
  done
  kill -TERM -1 2>/dev/null
  for _ in {1..20}; do others || return; sleep 0.05; done
  kill -KILL -1 2>/dev/null
}

# bash's wait reaps every child, also those inherited from dead parents.
# OpenSSH 9.8+ punishes addresses that connect and leave without logging in; here all clients are 127.0.0.1, and the wait for ssh
# does just that. Older versions do not know the word.
/usr/sbin/sshd -t -o PerSourcePenalties=no 2>/dev/null && echo 'PerSourcePenalties no' >>/etc/ssh/sshd_config.d/00-devfarm.conf
delay=0
rm -f /run/sshd.pid
sshd_by_script() { # `service ssh restart` put one of its own in place of ours
  local pid
  pid=$(cat /run/sshd.pid 2>/dev/null) && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = sshd ]
}
while [ -z "$want" ]; do
  sleep $delay
  while [ -z "$want" ] && sshd_by_script; do sleep 0.5 & wait $!; done
  [ -z "$want" ] || break
  /usr/sbin/sshd -D -e </dev/null &
  sshd=$! since=$SECONDS
  while [ -z "$want" ] && kill -0 $sshd 2>/dev/null; do wait $sshd; done
  [ -n "$want" ] || log "sshd ended, starting it again"
  [ $((SECONDS - since)) -gt 2 ] && delay=0.2 || delay=1
done

log "$want"
trap '' TERM INT USR1
stop_all
[ "$want" = poweroff ] && exit 0
exec /bin/bash "$0" "after a reboot"
