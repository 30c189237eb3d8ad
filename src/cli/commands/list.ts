import { defineCommand } from '../command.ts';
import { renderNodeDetails, renderNodes } from '../node-table.ts';
import { tellOfFreeze } from '../tell-of-freeze.ts';

export const list = defineCommand({
  name: 'list',
  summary: 'List the nodes',
  options: [{ flags: '--detail', summary: 'with further columns at the end: addresses, image, step of the launch' }],
  async run({ options }, context) {
    const { nodes, images } = await context.stores();
    const all = await nodes.list();
    await tellOfFreeze(context);
    const now = context.clock.now();
    return options['detail'] === true ? renderNodeDetails(all, await images.list(), now) : renderNodes(all, now);
  },
});
