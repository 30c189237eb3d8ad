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
    const held =
      node.state === 'hold' ? await nodes.record(node.id, facts) : await nodes.apply(node, 'held', cause, facts);
    if (held === undefined) throw new UsageError(`Cannot hold node ${node.id}: it is in state "${node.state}"`);
    return renderNodes([held], context.clock.now());
  },
});
