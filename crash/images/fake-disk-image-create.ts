/** Of each file that a build makes: several pieces of an upload. */
const FILE_MIB = 12;

/**
 * Stands in for disk-image-create. It has what a real build has (a mount, a loop device, a process beside it), and tells if
 * another build of the same image runs.
 */
export const FAKE_DISK_IMAGE_CREATE = `#!/bin/bash
set -eu
while [ $# -gt 0 ]; do
  case $1 in -t) types=\${2//,/ } ;; -o) out=$2 ;; esac
  shift
done
exec 9>"$CRASH_EVIDENCE/$DIB_IMAGE_NAME.lock"
flock --nonblock 9 || echo "Two builds of $DIB_IMAGE_NAME ran at once, the second for $out" >>"$CRASH_EVIDENCE/twice"
echo "$out" >>"$CRASH_EVIDENCE/builds"
mkdir "$TMP_DIR/mnt"
mount -t tmpfs tmpfs "$TMP_DIR/mnt"
truncate --size=1M "$TMP_DIR/disk"
loop=$(losetup --find --show "$TMP_DIR/disk") || loop=
sleep 600 &
echo "The build is under way"
sleep 0.7
for type in $types; do
  head --bytes=${FILE_MIB}M /dev/urandom >"$out.$type"
  md5sum "$out.$type" >"$out.$type.md5"
  sha256sum "$out.$type" >"$out.$type.sha256"
done
kill $!
[ -z "$loop" ] || losetup --detach "$loop"
umount "$TMP_DIR/mnt"
`;
