import type { ProviderConfig } from '../config/config.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import { describeError } from '../runtime/errors.ts';
import { chosenProviders } from './chosen-providers.ts';
import { type CommandContext, IncompleteError } from './command.ts';
import { renderTable } from './render-table.ts';

type Row = readonly (string | undefined)[];

/** A table of what the clouds hold and our tables do not. */
export type AlienTable = {
  readonly header: readonly string[];
  /** The provider to look at; all where it is absent. */
  readonly provider: string | undefined;
  readonly rowsOf: (cloud: CloudProvider, provider: ProviderConfig) => Promise<readonly Row[]>;
};

/**
 * Asks each provider. One that does not answer is told of, and the others are shown.
 * @throws {IncompleteError} one did not answer
 */
export async function renderAliens(table: AlienTable, context: CommandContext, signal: AbortSignal): Promise<string> {
  const providers = chosenProviders(table.provider, await context.config());
  await using clouds = await context.openClouds();
  const unreachable: string[] = [];
  const answers = await Promise.all(
    providers.map(async (provider) => {
      const cloud = clouds.find(provider.name);
      if (cloud === undefined) return [];
      return await table.rowsOf(cloud, provider).catch((error: unknown) => {
        signal.throwIfAborted();
        unreachable.push(provider.name);
        context.tell(`Cannot list provider ${provider.name}: ${describeError(error)}`);
        return [];
      });
    }),
  );
  const text = renderTable(table.header, answers.flat());
  if (unreachable.length > 0)
    throw new IncompleteError(`Not all is shown: ${unreachable.join(', ')} did not answer`, text);
  return text;
}
