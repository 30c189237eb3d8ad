import type { Inspection } from '../../pool/leaks/inspect-provider.ts';
import { describeError } from '../../runtime/errors.ts';
import { chosenProviders } from '../chosen-providers.ts';
import { type CommandContext, defineCommand, IncompleteError } from '../command.ts';
import { refuseWhileFrozen } from '../refuse-while-frozen.ts';
import { renderTable } from '../render-table.ts';
import { describeCloudWait, tellOfWait } from '../tell-of-wait.ts';

export const reap = defineCommand({
  name: 'reap',
  summary: 'Show what of this installation has leaked in a provider; with --yes delete it, however much it is',
  positionals: [{ name: 'provider', summary: 'where' }],
  options: [{ flags: '--yes', summary: 'delete what is shown; a server on which a build runs stays' }],
  async run({ positionals, options }, context, signal) {
    const [provider] = chosenProviders(positionals['provider'] ?? '', await context.config());
    if (provider === undefined) return '';
    const search = context.findLeaks(provider.name, signal);
    const leaks = await tellOfWait(search, describeCloudWait(provider), context);
    if (leaks.portTrouble !== undefined) context.tell(`Cannot list the ports: ${describeError(leaks.portTrouble)}`);
    if (options['yes'] === true) return await reapAll(leaks, context, signal);
    if (leaks.servers.length + leaks.images.length + leaks.ports.length > 0)
      context.tell('Nothing was deleted: add --yes to delete these');
    return renderLeaks(leaks);
  },
});

function renderLeaks({ servers, images, ports }: Inspection): string {
  return renderTable(
    ['Kind', 'Name', 'ID', 'Why'],
    [
      ...servers.map(({ server, why }) => ['server', server.name, server.id, why]),
      ...images.map(({ image, imageId }) => [
        'image',
        image.name,
        image.id,
        `There is no image ${imageId} that has it`,
      ]),
      ...ports.map(({ port }) => ['port', port.name, port.id, `Its server ${port.deviceId} is gone`]),
    ],
  );
}

async function reapAll(leaks: Inspection, context: CommandContext, signal: AbortSignal): Promise<string> {
  await refuseWhileFrozen(await context.stores());
  const reaped = await context.reapLeaks(leaks, signal);
  const output = renderTable(
    ['Name', 'Result'],
    reaped.map(({ name, keptBecause }) => [name, keptBecause === undefined ? 'deleted' : `stays: ${keptBecause}`]),
  );
  const kept = reaped.filter(({ keptBecause }) => keptBecause !== undefined).length;
  if (kept > 0) throw new IncompleteError(`${kept} of ${reaped.length} stay`, output);
  return output;
}
