/** For whom a floating address was taken: what stands in its description in the cloud. */
export type FloatingOwner = {
  readonly kind: 'node' | 'build';
  /** Row id of the node, or of the image that is built. */
  readonly id: number;
  /** UUID made with our database. */
  readonly installation: string;
};

/** At most 255 characters, as Neutron allows. Nothing that changes: the note is what finds the address again. */
export function floatingNote({ kind, id, installation }: FloatingOwner): string {
  return `nodepool ${kind} ${id} (${installation})`;
}

/** Undefined: not a Nodepool's; leave it alone. */
export function parseFloatingNote(note: string): FloatingOwner | undefined {
  const [, kind, id, installation] = /^nodepool (node|build) (\d{1,9}) \(([\w-]+)\)$/.exec(note) ?? [];
  if (installation === undefined || (kind !== 'node' && kind !== 'build')) return undefined;
  return { kind, id: Number(id), installation };
}
