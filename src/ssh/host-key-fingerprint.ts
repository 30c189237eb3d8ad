import { createHash } from 'node:crypto';

/** `sha256:BASE64` of a host key as it goes over the wire; the digits are those that `ssh-keygen -l` prints. */
export function hostKeyFingerprint(key: Buffer): string {
  return `sha256:${createHash('sha256').update(key).digest('base64').replaceAll('=', '')}`;
}
