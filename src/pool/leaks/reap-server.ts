import { buildKeypairNames } from '../../image/build-keypair.ts';
import type { Agents } from '../../node/agents.ts';
import type { HistoryStore } from '../../node/history-store.ts';
import { awaitGone } from '../../provider/await-server.ts';
import type { CloudProvider } from '../../provider/cloud-provider.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/logger.ts';
import { guardDeletion } from '../guard.ts';
import type { LeakedServer } from './find-leaks.ts';

const GONE_MS = 120_000;

export type ReapDeps = {
  readonly cloud: CloudProvider;
  /** Of all targets with a Jenkins: a server does not say in which one it is. */
  readonly agents: readonly Agents[];
  /** Names of agents and keypairs that rows have. */
  readonly namesInUse: ReadonlySet<string>;
  readonly history: Pick<HistoryStore, 'note'>;
  readonly clock: Clock;
  readonly log: Logger;
};

/** `busy`: a build runs there; it goes when that has ended. */
export type Reaping = 'gone' | 'busy';

/**
 * Deletes a leaked server, its agent and its keypair, behind the guard that stands before every deletion.
 * @throws {TransientProviderError} Jenkins or the cloud does not say; nothing is deleted then
 */
export async function reapServer(leak: LeakedServer, deps: ReapDeps, signal: AbortSignal): Promise<Reaping> {
  const { server, why } = leak;
  const name = server.name.split('.')[0] ?? server.name;
  for (const agents of deps.agents) {
    if ((await withdrawAgent(name, { ...deps, agents }, signal)) === 'busy') return 'busy';
  }
  deps.log.warn(`Deleting leaked instance ${server.name} (${server.id}) in ${deps.cloud.name}: ${why}`);
  await remember(leak, deps);
  await deps.cloud.deleteServer(server.id, signal);
  await awaitGone({ id: server.id, ms: GONE_MS }, deps, signal);
  const keypair = temporaryKeypair(leak, deps);
  if (keypair !== undefined) await deps.cloud.deleteKeypair(keypair, signal);
  return 'gone';
}

/** Of a build: its temporary keypair has its name. An operator's, which the configuration names, never has. */
function temporaryKeypair(
  { server: { name, keyName }, owner: { imageId } }: LeakedServer,
  { namesInUse }: Pick<ReapDeps, 'namesInUse'>,
): string | undefined {
  if (imageId === undefined || keyName === undefined || namesInUse.has(keyName)) return undefined;
  return buildKeypairNames({ id: imageId, hostname: name }).includes(keyName) ? keyName : undefined;
}

async function withdrawAgent(
  nodename: string,
  { agents, namesInUse }: { readonly agents: Agents; readonly namesInUse: ReadonlySet<string> },
  signal: AbortSignal,
): Promise<Reaping> {
  if (namesInUse.has(nodename)) {
    // A row has that name, and may well mean this agent: only its build counts here.
    return (await agents.find(nodename, signal))?.busy === true ? 'busy' : 'gone';
  }
  const verdict = await guardDeletion(nodename, agents, signal);
  if (verdict === 'quiet') return (await agents.remove(nodename, signal)) ? 'gone' : 'busy';
  return verdict === 'busy' ? 'busy' : 'gone';
}

/** No row ever knew this server: its port, if that stays, is known as ours by this note only. */
async function remember({ server, owner, why }: LeakedServer, { history }: Pick<ReapDeps, 'history'>): Promise<void> {
  const { nodeId, imageId } = owner;
  const subject = nodeId === undefined ? 'image' : 'node';
  const note = { event: 'reaped', who: 'leaks', why: `Leaked server ${server.id}: ${why}`, names: [server.id] };
  await history.note({ ...note, subject, subjectId: nodeId ?? imageId ?? 0 });
}
