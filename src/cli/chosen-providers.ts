import type { Config, ProviderConfig } from '../config/config.ts';
import { UsageError } from './command.ts';

/**
 * The provider that a positional names, or all of them.
 * @throws {UsageError} there is none of that name
 */
export function chosenProviders(name: string | undefined, { providers }: Config): readonly ProviderConfig[] {
  if (name === undefined) return providers;
  const chosen = providers.filter((provider) => provider.name === name);
  if (chosen.length === 0) throw new UsageError(`Provider ${name} does not exist`);
  return chosen;
}
