import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import { UsageError } from './command.ts';

/** The highest value of an id column. */
const MAX_ID = 2_147_483_647;

/**
 * The row id that a positional names.
 * @throws {UsageError} it is no number, or larger than any id; `message` says what was looked for
 */
export function parseId(text: string, message: string): number {
  const id = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(id <= MAX_ID)) throw new UsageError(message);
  return id;
}

/** @throws {UsageError} there is no such node */
export async function findNode(text: string, nodes: NodeStore): Promise<Node> {
  const node = await nodes.find(parseId(text, `Node ${JSON.stringify(text)} not found.`));
  if (node === undefined) throw new UsageError(`Node ${text} not found.`);
  return node;
}
