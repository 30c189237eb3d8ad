/** The entry of `diskimages` for the Debian that devfarm's machines are; with the elements of this project, in `devfarm/elements`. */
export type DiskImageSection = {
  readonly name: string;
  readonly elements: readonly string[];
  readonly 'env-vars': Readonly<Record<string, string>>;
};

/**
 * A disk image that diskimage-builder makes in seconds, and without a network.
 * @param tar of a root file system with an sshd
 * @param home a folder for what diskimage-builder keeps in its user's
 */
export function smallDebian(name: string, tar: string, home: string): DiskImageSection {
  const envVars = { DIB_LOCAL_ROOTFS: tar, SKIP_BASE: '1', DIB_SHOW_IMAGE_USAGE: '0', HOME: home };
  return { name, elements: ['jenkins-user'], 'env-vars': envVars };
}
