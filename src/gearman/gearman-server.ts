/**
 * Gearman: packets and admin text of one server, and on top of them a client, a worker and the source of demand.
 * Why it is our own: docs/adr/0001-own-gearman-client.md.
 */

/** Where one gearmand (or the geard inside Zuul) listens. */
export type GearmanServer = {
  readonly host: string;
  readonly port: number;
};

/** `host:port`, the name of the server in logs, errors and results. */
export function serverName(server: GearmanServer): string {
  return `${server.host}:${server.port}`;
}
