import type { CloudProvider } from '../../provider/cloud-provider.ts';
import { renderAliens } from '../alien-table.ts';
import { defineCommand } from '../command.ts';

export const alienImageList = defineCommand({
  name: 'alien-image-list',
  summary: 'List the images of a Nodepool in the clouds that no row has',
  positionals: [{ name: 'provider', summary: 'only this one', isOptional: true }],
  async run({ positionals }, context, signal) {
    const { images } = await context.stores();
    const rowsOf = async (cloud: CloudProvider): Promise<readonly (readonly string[])[]> => {
      const found = await cloud.listImages(signal);
      const rows = await images.list();
      const known = new Set(rows.map(({ externalId }) => externalId));
      // Those on their way have no row that names them yet, or will go with it.
      const unfinished = rows.filter(({ provider, state }) => provider === cloud.name && state !== 'ready');
      const ids = new Set(unfinished.map(({ id }) => String(id)));
      return found
        .filter(({ id, status, properties }) => status !== 'deleted' && isNodepools(properties) && !known.has(id))
        .filter(({ properties }) => !ids.has(rowIdIn(properties)))
        .map(({ id, name }) => [cloud.name, name, id]);
    };
    const header = ['Provider', 'Name', 'Image ID'];
    return await renderAliens({ header, provider: positionals['provider'], rowsOf }, context, signal);
  },
});

/** Saved from a server (Nova's mark, the only one that upstream has), or made by us. */
function isNodepools(properties: Readonly<Record<string, string>>): boolean {
  return properties['image_type'] === 'snapshot' || 'nodepool_provider_name' in properties;
}

function rowIdIn(properties: Readonly<Record<string, string>>): string {
  return properties['nodepool_snapshot_image_id'] ?? properties['nodepool_upload_id'] ?? '';
}
