import { defineCommand, UsageError } from '../command.ts';
import { refuseWhileFrozen } from '../refuse-while-frozen.ts';

/** As nodepool 0.5: the rows go, the cloud's objects stay. */
export const erase = defineCommand({
  name: 'erase',
  summary: 'Drop all rows of a provider that is gone for ever; what is in its cloud stays there',
  positionals: [{ name: 'provider', summary: 'which' }],
  options: [{ flags: '--force', summary: 'do not ask' }],
  async run({ positionals, options }, context) {
    const provider = positionals['provider'] ?? '';
    const stores = await context.stores();
    const { nodes, images, providerStatus } = stores;
    const [nodeRows, imageRows] = [await nodes.list({ provider }), await images.list({ provider })];
    if (nodeRows.length + imageRows.length === 0 && (await providerStatus.find(provider)) === undefined) {
      throw new UsageError(`Provider "${provider}" has no rows`);
    }
    await refuseWhileFrozen(stores);
    const { providers } = await context.config();
    if (providers.some(({ name }) => name === provider)) {
      throw new UsageError(`Provider ${provider} is configured: take it out of the configuration first`);
    }
    if (options['force'] !== true) {
      context.tell('WARNING! This action is not reversible!');
      const answer = await context.ask(
        `Drop ${nodeRows.length} nodes and ${imageRows.length} images of ${provider}? (y/N) `,
      );
      if (answer.trim().toLowerCase() !== 'y') {
        throw new UsageError('Aborting. No data erased.');
      }
    }
    const cause = { who: `cli:${context.user}`, why: `Provider ${provider} was erased` };
    context.tell(`Erasing build data for ${provider}...`);
    for (const image of imageRows) await images.remove(image, cause);
    context.tell(`Erasing node data for ${provider}...`);
    for (const node of nodeRows) await nodes.remove(node, cause);
    await providerStatus.remove(provider);
    return '';
  },
});
