import { buildKeypairNames } from '../../image/build-keypair.ts';
import type { SnapshotImage } from '../../image/snapshot-image.ts';
import type { Node } from '../../node/node.ts';

/** The agents of nodes, and the temporary keypairs of image builds. */
export function namesOf(nodes: readonly Node[], images: readonly SnapshotImage[]): readonly string[] {
  const keypairs = images.flatMap(buildKeypairNames);
  return [...keypairs, ...nodes.map(({ nodename = '' }) => nodename)].filter((name) => name !== '');
}
