import { describeFreeze } from '../node/freeze-store.ts';
import type { CommandContext } from './command.ts';

/** For commands that show the farm: who sees no node move should know why. On standard error, for tables are read by programs. */
export async function tellOfFreeze(context: CommandContext): Promise<void> {
  const { farmFreeze } = await context.stores();
  const frozen = await farmFreeze.find();
  if (frozen !== undefined) context.tell(describeFreeze(frozen));
}
