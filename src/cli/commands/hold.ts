import type { Cause } from '../../node/cause.ts';
import type { NodeStore } from '../../node/node-store.ts';
import type { Node, NodeFacts } from '../../node/node.ts';
import { defineCommand, UsageError } from '../command.ts';
import { findNode } from '../find-node.ts';
import { renderNodes } from '../node-table.ts';

export const hold = defineCommand({
  name: 'hold',
  summary: 'Keep a node for debugging until you delete it',
  positionals: [{ name: 'id', summary: 'the node' }],
  options: [{ flags: '--reason <text>', summary: 'why; shown as the comment' }],
  async run({ positionals, options }, context) {
    const { nodes } = await context.stores();
    const node = await findNode(positionals['id'] ?? '', nodes);
    const reason = options['reason'];
    const facts = typeof reason === 'string' ? { comment: reason } : {};
    const cause = { who: `cli:${context.user}`, why: typeof reason === 'string' ? reason : 'Held by an operator' };
    return renderNodes([await holdNode(node, { facts, cause }, nodes)], context.clock.now());
  },
});

type Hold = { readonly facts: NodeFacts; readonly cause: Cause };

async function holdNode(node: Node, hold: Hold, nodes: NodeStore): Promise<Node> {
  const { facts, cause } = hold;
  const held =
    node.state === 'hold' ? await nodes.record(node.id, facts) : await nodes.apply(node, 'held', cause, facts);
  if (held !== undefined) return held;
  const now = await nodes.find(node.id);
  if (now === undefined) throw new UsageError(`Node ${node.id} not found.`);
  if (now.version === node.version) throw new UsageError(`Cannot hold node ${node.id}: it is in state "${node.state}"`);
  return await holdNode(now, hold, nodes); // it changed between our look and our change
}
