import type { NodeStore } from '../../node/node-store.ts';
import type { Node } from '../../node/node.ts';
import { type CommandContext, defineCommand, UsageError } from '../command.ts';
import { findNode } from '../find-node.ts';
import { renderNodes } from '../node-table.ts';
import { refuseWhileFrozen } from '../refuse-while-frozen.ts';
import { tellOfFreeze } from '../tell-of-freeze.ts';

export const deleteCommand = defineCommand({
  name: 'delete',
  summary: 'Delete a node, though a build may run on it',
  positionals: [{ name: 'id', summary: 'the node' }],
  options: [
    { flags: '--now', summary: 'delete it in the foreground and wait until it is gone' },
    { flags: '--force', summary: 'drop its row at once, though cloud or Jenkins refuse; what is left there is a leak' },
  ],
  async run({ positionals, options }, context, signal) {
    const stores = await context.stores();
    const found = await findNode(positionals['id'] ?? '', stores.nodes);
    if (options['force'] === true) return await dropRow(found, stores.nodes, context);
    if (options['now'] === true) await refuseWhileFrozen(stores);
    const node = await markForDeletion(found, stores.nodes, context);
    if (options['now'] !== true) {
      await tellOfFreeze(context); // it goes when the farm is thawed
      return renderNodes([node], context.clock.now());
    }
    await context.deleteNow(node, signal);
    return '';
  },
});

/** Only of a node that is being deleted: the agent of any other one may be given jobs. */
async function dropRow(node: Node, nodes: NodeStore, context: CommandContext): Promise<string> {
  if (node.state !== 'delete') {
    const advice = `delete it first, and drop it if it does not go`;
    throw new UsageError(`Cannot drop node ${node.id}: it is in state "${node.state}"; ${advice}`);
  }
  await nodes.remove(node, { who: `cli:${context.user}`, why: 'Dropped by an operator, whatever is left of it' });
  context.tell(`Node ${node.id} is dropped; what is left of it is in "alien-list", and goes with the leaks`);
  return '';
}

/** An operator's deletion passes the guard, also where the node was on its way out already. */
async function markForDeletion(node: Node, nodes: NodeStore, context: CommandContext): Promise<Node> {
  if (node.state === 'delete') return (await nodes.record(node.id, { forced: true })) ?? node;
  const cause = { who: `cli:${context.user}`, why: 'Deleted by an operator' };
  const marked = await nodes.apply(node, 'deleted', cause, { forced: true });
  if (marked !== undefined) return marked;
  const now = await nodes.find(node.id);
  if (now === undefined) throw new UsageError(`Node ${node.id} not found.`);
  return await markForDeletion(now, nodes, context);
}
