import { rm } from 'node:fs/promises';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import type { Image, ImageStore } from './image-store.ts';
import type { StateFolder } from './state-folder.ts';

const LIMIT_MS = 900_000;

export type TarToExtract = { readonly tar: string; readonly tree: string; readonly signal?: AbortSignal | undefined };

/** Unpacks the tar of a root file system into the new folder `tree`. @throws {Error} it holds no sshd */
export async function extractTar(work: TarToExtract, folder: StateFolder): Promise<void> {
  await folder.runAsOwner({
    argv: ['sh', '-ec', EXTRACT, 'extract', work.tar, work.tree],
    purpose: `unpack "${work.tar}"`,
    timeoutMs: LIMIT_MS,
    signal: work.signal,
  });
}

// Device nodes are bound in at boot; a user namespace could not make them anyway.
const EXTRACT = `
mkdir "$2"
tar -C "$2" --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' --exclude='dev/*' -xf "$1"
[ -x "$2/usr/sbin/sshd" ] || { echo 'it has no /usr/sbin/sshd' >&2; exit 1; }
chmod 755 "$2"
`;

export type ImageToExport = { readonly image: Image; readonly tar: string; readonly signal?: AbortSignal | undefined };

/** Writes the sum of an image's layers as a tar, which appears whole or not at all. */
export async function exportTar(work: ImageToExport, images: ImageStore): Promise<void> {
  const part = `${work.tar}.${systemRandomness.hex(4)}.part`;
  try {
    await images.runOnSum(work.image.layers, {
      script: `tar -C "$1" --numeric-owner --xattrs --xattrs-include='*' -cf "$2" . && mv -T "$2" "$3"`,
      args: [part, work.tar],
      purpose: `write "${work.tar}"`,
      signal: work.signal,
    });
  } finally {
    await rm(part, { force: true });
  }
}
