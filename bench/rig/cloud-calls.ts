import type { CloudAddress } from './openstack-process.ts';

/** Calls that the cloud got, by kind. */
export type CloudCalls = { readonly total: number; readonly calls: Readonly<Record<string, number>> };

export async function forgetCalls({ origin }: CloudAddress): Promise<void> {
  await fetch(`${origin}/_devfarm/calls`, { method: 'DELETE' });
}

export async function readCalls({ origin }: CloudAddress): Promise<CloudCalls> {
  const answer = await fetch(`${origin}/_devfarm/calls`);
  return (await answer.json()) as CloudCalls; // the emulator's own report
}
