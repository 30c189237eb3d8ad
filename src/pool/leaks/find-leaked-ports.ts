import type { HistoryStore } from '../../node/history-store.ts';
import type { Port, Server } from '../../provider/cloud-provider.ts';
import type { KnownRows } from './find-leaks.ts';

/** A port of a server of ours that is gone. */
export type LeakedPort = { readonly port: Port };

/** What a provider showed: its ports were listed before its servers, for a server is there before its port. */
export type SeenPorts = {
  readonly ports: readonly Port[];
  readonly servers: readonly Server[];
  readonly rows: KnownRows;
};

/**
 * The ports that Nova made for servers of ours and left behind when these went. We never make a port ourselves, and a port
 * bears no mark of an installation: what proves that it was for us is its server's id, which a row or the history knows.
 */
export async function findLeakedPorts(
  { ports, servers, rows }: SeenPorts,
  history: Pick<HistoryStore, 'wasRemoved'>,
): Promise<readonly LeakedPort[]> {
  const living = new Set(servers.map(({ id }) => id));
  const ofRows = new Set([
    ...[...rows.nodes.values()].map(({ externalId }) => externalId),
    ...[...rows.images.values()].map(({ serverExternalId }) => serverExternalId),
  ]);
  const found: LeakedPort[] = [];
  for (const port of ports) {
    if (!isNovas(port) || living.has(port.deviceId)) continue;
    if (ofRows.has(port.deviceId) || (await history.wasRemoved(port.deviceId))) found.push({ port });
  }
  return found;
}

/** Not one that somebody made and gave to a server: such a port has a name, or no device once its server is gone. */
function isNovas({ name, deviceId, deviceOwner }: Port): boolean {
  return name === '' && deviceId !== '' && deviceOwner.startsWith('compute:');
}
