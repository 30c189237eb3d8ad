import { open } from 'node:fs/promises';
import { UnfitMachineError } from './host-mode.ts';
import { extractTar } from './image-tar.ts';
import type { StateFolder } from './state-folder.ts';

/** A file with a disk, which holds partitions or just a file system; or with the tar of a root file system. */
export type DiskImage = {
  readonly file: string;
  /** As Glance calls it: `raw`, `qcow2`, … A tar may have any. */
  readonly format: string;
  /** Of the file's content. What was unpacked once serves for all files with the same. */
  readonly digest: string;
};

export type DiskToUnpack = {
  readonly disk: DiskImage;
  readonly tree: string;
  /** A folder for scratch. */
  readonly part: string;
  readonly signal?: AbortSignal | undefined;
};

const LIMIT_MS = 900_000;

/** What qemu-img calls Glance's formats, where they differ. */
const QEMU_FORMATS: Readonly<Record<string, string>> = { vhd: 'vpc', ami: 'raw', iso: 'raw', ploop: 'parallels' };

/**
 * Unpacks the root file system of a disk into the new folder `tree`. Leaves neither mounts nor loop devices, also when it is
 * killed.
 * @throws {UnfitMachineError} it is no tar, and we are not root
 * @throws {Error} it holds no root file system with an sshd
 */
export async function unpackDisk({ disk, tree, part, signal }: DiskToUnpack, folder: StateFolder): Promise<void> {
  if (await isTar(disk.file)) {
    await extractTar({ tar: disk.file, tree, signal }, folder);
    return;
  }
  if (folder.mode.kind !== 'root')
    throw new UnfitMachineError('Cannot unpack a disk image: this needs root; the tar of a root file system does not');
  const format = QEMU_FORMATS[disk.format] ?? disk.format;
  await folder.runInBox({
    argv: ['sh', '-ec', UNPACK, 'unpack', disk.file, format, part, tree],
    purpose: `unpack "${disk.file}"`,
    timeoutMs: LIMIT_MS,
    signal,
  });
}

// The kernel gives a loop device of mount(8) back with the mount, and the mount goes with the box.
const UNPACK = `
disk=$1 format=$2 part=$3 tree=$4
refuse() { echo "$1" >&2; exit 1; }
if [ "$format" != raw ]; then
  command -v qemu-img >/dev/null || refuse 'the program qemu-img is missing (Debian package qemu-utils)'
  qemu-img convert -f "$format" -O raw "$disk" "$part/disk"
  disk=$part/disk
fi
options=loop,ro,nodev,nosuid
if [ -z "$(blkid -p -o value -s TYPE "$disk")" ]; then
  set -- $(partx --raw --noheadings --output SECTORS,START "$disk" 2>/dev/null | sort -n | tail -n 1) # the largest partition
  [ $# = 2 ] || refuse 'it holds no file system'
  options=$options,offset=$((512 * $2)),sizelimit=$((512 * $1))
fi
mkdir "$part/mounted"
mount -o "$options" "$disk" "$part/mounted" 2>"$part/why" || refuse "$(head -n 1 "$part/why")"
cp -a --reflink=auto "$part/mounted" "$tree"
umount "$part/mounted"
[ -x "$tree/usr/sbin/sshd" ] || refuse 'it has no /usr/sbin/sshd'
chmod 755 "$tree"
`;

const TAR_MARK = { at: 257, text: 'ustar' };
/** How compressed files begin: gzip, bzip2, xz, zstd. */
const COMPRESSED = ['\x1f\x8b', 'BZh', '\xfd7zXZ', '\x28\xb5\x2f\xfd'];

async function isTar(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(TAR_MARK.at + TAR_MARK.text.length), { position: 0 });
    const head = buffer.toString('latin1');
    return head.slice(TAR_MARK.at) === TAR_MARK.text || COMPRESSED.some((mark) => head.startsWith(mark));
  } finally {
    await handle.close();
  }
}
