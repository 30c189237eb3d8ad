#!/bin/bash
# Stage 1 of a boot: PID 1 of fresh mount, pid, uts and ipc namespaces, still seeing the host's files. Started through
# unshare. Builds the instance's view, drops what could harm the host, becomes instance-init.sh.
#   instance-boot.sh INSTANCE-FOLDER LAYERS OVERLAY-OPTIONS HOSTNAME MODE
#
# The instance's tree is hostile input here: nothing in it may be run, and no link in it followed, before the last line.
set -eu
dir=$1 layers=$2 overlay=$3 hostname=$4 mode=$5
umask 022

# "pid starttime bootid". The old /proc is still mounted, so the pids are the HOST's: no search, no race.
read -r boot </proc/sys/kernel/random/boot_id
identity() {
  local line
  read -r line <"/proc/$1/stat"
  set -- "${line%% *}" ${line##*) }
  echo "$1 ${21} $boot"
}
read -r line </proc/self/stat
set -- ${line##*) }
{ identity self; identity "$2"; } >"$dir/.init.tmp" # ours and our parent's, unshare's

root=$dir/merged
# Relative names keep the option string under the 4096 bytes mount(2) takes. nodev: a layer may hold any device node.
# volatile: no sync of the host's disk at each fsync inside and at each end, for seconds on a busy one; a power cut may
# spoil the instance. The kernel refuses a second mount until its mark is removed.
rm -rf "$dir/work/work"
cd "$dir/../../layers"
mount -t overlay overlay -o "nodev,volatile,lowerdir=$layers,upperdir=$dir/upper,workdir=$dir/work,$overlay" "$root"

for path in proc sys dev run tmp; do
  [ ! -L "$root/$path" ] || { echo "instance-boot: /$path is a symbolic link in the image, refused" >&2; exit 1; }
  mkdir -p "$root/$path"
done
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
# Read-only: the network namespace and the devices behind /sys are the host's. A user namespace may not mount it: then none.
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys" 2>/dev/null || true
mount -t tmpfs -o mode=755,nosuid,size=1m tmpfs "$root/dev"
mkdir "$root"/dev/{pts,shm}
for node in null zero full random urandom tty; do
  : >"$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5,nosuid,noexec devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"
ln -s fd/1 "$root/dev/stdout"
ln -s fd/2 "$root/dev/stderr"
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$root/run"

for path in sys sysrq-trigger irq bus fs acpi; do
  [ -e "$root/proc/$path" ] || continue
  mount --bind "$root/proc/$path" "$root/proc/$path"
  mount -o remount,bind,ro,nosuid,nodev,noexec "$root/proc/$path"
done
for path in kcore keys timer_list latency_stats; do
  [ ! -e "$root/proc/$path" ] || mount --bind /dev/null "$root/proc/$path"
done
# Except the host name, which belongs to our own uts namespace: sethostname(2) needs CAP_SYS_ADMIN, this file its owner.
mount --bind "$root/proc/sys/kernel/hostname" "$root/proc/sys/kernel/hostname"
mount -o remount,bind,rw "$root/proc/sys/kernel/hostname"
hostname "$hostname"

mkdir "$root/run/devfarm" "$root/run/.host"
cp "$dir"/seed/* "$root/run/devfarm/"
cp -L /etc/resolv.conf "$root/run/devfarm/resolv.conf" 2>/dev/null || true

mv "$dir/.init.tmp" "$dir/init" # from here on the instance can be adopted

# pivot_root, unmount the host, shrink the bounding set, exec: in ONE process of the host. After pivot_root any command
# run by name would be the instance's own binary, with all capabilities and the host still mounted.
# Kept: Docker's defaults less MKNOD and NET_RAW. No SYS_ADMIN, NET_ADMIN (the network is the host's), SYS_PTRACE,
# DAC_READ_SEARCH.
# chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service sys_chroot audit_write setfcap
keep=(0 1 3 4 5 6 7 8 10 18 29 31)
[ "$mode" != rootless ] || keep+=(21) # SYS_ADMIN over its own user namespace only, which any user can have
cd "$root"
exec perl -e '
  my %number = (x86_64 => [155, 166, 157], aarch64 => [41, 39, 167]);
  my ($machine, @keep) = @ARGV;
  my ($pivot, $umount2, $prctl) = @{$number{$machine} or die "no syscall numbers for $machine"};
  my ($here, $old, $host) = (".", "run/.host", "/run/.host"); # syscall() refuses literals: "read-only value"
  syscall($pivot, $here, $old) == 0 or die "pivot_root: $!";
  chdir "/" or die "chdir: $!";
  syscall($umount2, $host, 2) == 0 or die "umount2: $!";
  rmdir $host;
  my %keep = map { $_ => 1 } @keep;
  for my $capability (0 .. 63) { syscall($prctl, 24, $capability, 0, 0, 0) unless $keep{$capability} }
  exec "/bin/bash", "/run/devfarm/init" or die "exec: $!";
' "$(uname -m)" "${keep[@]}"
