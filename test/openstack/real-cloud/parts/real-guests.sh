# Real mode: one bridge in the namespace, a private libvirtd, QEMU (TCG) guests. Sourced.

BRIDGE=br-osc
GATEWAY=10.50.0.1/16
V=$S/libvirt

real_bridge() {
  export OSC_BRIDGE=$BRIDGE
  "${IN_NS[@]}" ip link show "$BRIDGE" >/dev/null 2>&1 || "${IN_NS[@]}" ip link add "$BRIDGE" type bridge || die "no bridge"
  "${IN_NS[@]}" ip addr replace "$GATEWAY" dev "$BRIDGE"
  "${IN_NS[@]}" ip link set "$BRIDGE" up
}

# `ip netns exec` gives each daemon a mount namespace of its own, so the bind mounts below hide
# this libvirtd from any other on the machine, and its files lie in the state directory.
real_start() {
  mkdir -p "$V"/{run,lib,cache,etc} /run/libvirt /var/lib/libvirt /var/cache/libvirt "$S/nova/instances"
  [ -e "$V/etc/qemu.conf" ] || cp -a /etc/libvirt/. "$V/etc/"
  cat >"$V/etc/qemu.conf" <<X
user = "root"
group = "root"
security_driver = "none"
stdio_handler = "file"
cgroup_controllers = [ ]
namespaces = [ ]
remember_owner = 0
X
  cat >"$V/etc/libvirtd.conf" <<X
auth_unix_ro = "none"
auth_unix_rw = "none"
listen_tls = 0
listen_tcp = 0
X
  rm -rf "$V"/etc/qemu/networks/autostart "$V"/etc/qemu/autostart
  start libvirtd sh -c "mount --bind $V/run /run/libvirt && mount --bind $V/lib /var/lib/libvirt &&
    mount --bind $V/cache /var/cache/libvirt && mount --bind $V/etc /etc/libvirt &&
    exec libvirtd --config /etc/libvirt/libvirtd.conf --pid-file $RUN/libvirtd.own-pid"
  wait_for libvirtd "libvirt" test -S "$V/run/libvirt-sock"
}

real_image() {
  GUEST_IMAGE=$IMAGE_DIR/base-test.qcow2
  if [ ! -s "$GUEST_IMAGE" ]; then
    say "building the guest image (about a minute)"
    "$HERE/parts/build-image.sh" "$GUEST_IMAGE" || return 1
  fi
}

guest_pids() {  # pids of QEMU processes whose disk lies in our state directory
  local file pid
  for file in "$V"/run/qemu/*.pid; do
    [ -s "$file" ] || continue
    pid=$(cat "$file")
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$S/nova/instances" && echo "$pid"
  done
}

real_stop_guests() {
  local pid
  for pid in $(guest_pids); do kill -TERM "$pid" 2>/dev/null; done
}

real_stop() {
  local pid left=50
  while [ $left -gt 0 ] && [ -n "$(guest_pids)" ]; do sleep 0.1; left=$((left - 1)); done
  for pid in $(guest_pids); do kill -KILL "$pid" 2>/dev/null; done
  stop libvirtd 10
}
