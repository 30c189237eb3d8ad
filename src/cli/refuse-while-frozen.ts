import { type CommandStores, UsageError } from './command.ts';

/**
 * For commands that launch or delete by themselves.
 * @throws {UsageError} an operator froze the farm
 */
export async function refuseWhileFrozen({ farmFreeze }: Pick<CommandStores, 'farmFreeze'>): Promise<void> {
  const frozen = await farmFreeze.find();
  if (frozen !== undefined) throw new UsageError(`The farm is frozen (${frozen.why}): run "nodepool thaw" first`);
}
