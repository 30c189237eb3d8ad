import type { SnapshotImage } from './snapshot-image.ts';

type Named = Pick<SnapshotImage, 'id' | 'hostname'>;

/**
 * Name of a build's temporary Nova keypair: the build server's name up to its first dot (upstream: buildImage), and the
 * row's id, for two providers of one project may build the same image in the same second. Undefined: it has none yet.
 */
export function buildKeypairName({ id, hostname }: Named): string | undefined {
  return hostname === undefined ? undefined : `${hostPart(hostname)}-${id}`;
}

/** The names that the keypair may have in the cloud: ours, and upstream's, without the id. */
export function buildKeypairNames(image: Named): readonly string[] {
  const name = buildKeypairName(image);
  return name === undefined ? [] : [name, hostPart(image.hostname ?? '')];
}

function hostPart(hostname: string): string {
  return hostname.split('.')[0] ?? hostname;
}
