import { defineCommand } from '../command.ts';
import { renderNodeDetails, renderNodes } from '../node-table.ts';

export const list = defineCommand({
  name: 'list',
  summary: 'List the nodes',
  options: [{ flags: '--detail', summary: 'with further columns at the end: addresses, image, step of the launch' }],
  async run({ options }, context) {
    const { nodes, images } = await context.stores();
    const all = await nodes.list();
    const now = context.clock.now();
    return options['detail'] === true ? renderNodeDetails(all, await images.list(), now) : renderNodes(all, now);
  },
});
