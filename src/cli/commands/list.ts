import { defineCommand } from '../command.ts';
import { renderNodes } from '../node-table.ts';

export const list = defineCommand({
  name: 'list',
  summary: 'List the nodes',
  async run(_args, context) {
    const { nodes } = await context.stores();
    return renderNodes(await nodes.list(), context.clock.now());
  },
});
