import { definedOnly } from '../runtime/defined-only.ts';

/** Who made a cloud object: written by the create call itself, so that nothing is without owner even for an instant. */
export type Owner = {
  readonly provider: string;
  readonly image: string;
  /** UUID of this create call, stored in the row before it was sent. */
  readonly attempt: string;
  /** UUID made with our database. */
  readonly installation: string;
  /** The operator's `nodepool-id`. */
  readonly nodepoolId?: string;
} & (
  | { readonly kind: 'node'; readonly nodeId: number; readonly label: string }
  | { readonly kind: 'build'; readonly imageId: number }
);

/** What `parseOwner` reads: upstream's servers have no attempt and no installation. */
export type FoundOwner = {
  readonly provider: string;
  readonly nodeId?: number;
  readonly imageId?: number;
  readonly attempt?: string;
  readonly installation?: string;
  readonly nodepoolId?: string;
};

/** Nova's metadata for a server of ours (upstream: launchNode, buildImage; 3.x: the flat keys). Values are at most 255 characters. */
export function ownerMetadata(owner: Owner): Record<string, string> {
  const ours = { nodepool_installation: owner.installation, nodepool_attempt: owner.attempt };
  const id = owner.nodepoolId === undefined ? {} : { nodepool_id: owner.nodepoolId };
  const flat = { nodepool_provider_name: owner.provider, nodepool_image_name: owner.image };
  if (owner.kind === 'build') {
    return {
      groups: JSON.stringify([owner.provider]),
      nodepool: JSON.stringify({ provider_name: owner.provider, snapshot_image_id: owner.imageId, ...id }),
      ...flat,
      ...ours,
    };
  }
  return {
    groups: JSON.stringify([owner.provider, owner.image]),
    nodepool: JSON.stringify({ provider_name: owner.provider, node_id: owner.nodeId, image_name: owner.image, ...id }),
    ...flat,
    nodepool_node_id: String(owner.nodeId),
    nodepool_node_label: owner.label,
    ...ours,
  };
}

/** The owner written in a server's metadata; undefined: not a Nodepool's, or unreadable (leave it alone). */
export function parseOwner(metadata: Readonly<Record<string, string>>): FoundOwner | undefined {
  const nodepool = parseObject(metadata['nodepool']);
  const provider = nodepool['provider_name'] ?? metadata['nodepool_provider_name'];
  const nodeId = toId(nodepool['node_id'] ?? metadata['nodepool_node_id']);
  const imageId = toId(nodepool['snapshot_image_id']);
  if (typeof provider !== 'string' || (nodeId ?? imageId) === undefined) return undefined;
  const nodepoolId = nodepool['nodepool_id'];
  return definedOnly({
    provider,
    nodeId,
    imageId,
    attempt: metadata['nodepool_attempt'],
    installation: metadata['nodepool_installation'],
    nodepoolId: typeof nodepoolId === 'string' ? nodepoolId : undefined,
  });
}

/**
 * Whether our create call for that node wrote this metadata. For who asks it of every server and every node: of 1,000
 * deletions each looks through lists of 1,000 servers.
 */
export function isMadeForNode(
  metadata: Readonly<Record<string, string>>,
  { installation, nodeId }: { readonly installation: string; readonly nodeId: number },
): boolean {
  return metadata['nodepool_installation'] === installation && metadata['nodepool_node_id'] === String(nodeId);
}

function parseObject(text = ''): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
  } catch {
    return {}; // somebody else's text
  }
}

/** The tables' ids end there. */
const GREATEST_ID = 2_147_483_647;

function toId(value: unknown): number | undefined {
  const id = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value;
  return typeof id === 'number' && Number.isInteger(id) && id > 0 && id <= GREATEST_ID ? id : undefined;
}
