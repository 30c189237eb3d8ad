import type { Query } from './per-row-allocation.ts';

/** A build event as the reference takes it in. */
export type PlainEvent = { readonly nodename: string; readonly state: number };

/**
 * Applies events as upstream 0.3.1's NodeUpdateListener does it: one after the other, each in a session of its own that
 * reads the node and its subnodes, changes one column and commits. For comparison only.
 */
export async function applyInSessions(events: readonly PlainEvent[], query: Query): Promise<void> {
  for (const { nodename, state } of events) {
    await query('begin');
    const [node] = await query<{ id: number }>('select * from node where nodename = $1', [nodename]);
    if (node !== undefined) {
      await query('select * from subnode where node_id = $1', [node.id]);
      await query('update node set state = $2, state_time = extract(epoch from now())::bigint where id = $1', [
        node.id,
        state,
      ]);
    }
    await query('commit');
  }
}
