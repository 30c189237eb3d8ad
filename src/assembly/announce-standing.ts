import type { DaemonLife } from '../db/daemon-life.ts';
import type { DaemonIdentity, LeaderRole } from '../node/daemon-store.ts';
import type { Logger } from '../runtime/logger.ts';

export type Standing = Pick<DaemonLife, 'identity' | 'mayLead' | 'look' | 'onNews'>;

/** Says in the log who leads what this daemon may lead, now and whenever that changes, and who was taken for dead. */
export function announceStanding(standing: Standing, log: Logger): void {
  const known = new Map<LeaderRole, string>();
  const announce = ({ leaders, died }: Standing['look']): void => {
    for (const { daemon, why } of died) {
      log.warn(`Daemon ${daemon.number} (${placeOf(daemon)}) is taken for dead: ${why}`);
    }
    for (const role of standing.mayLead) {
      const leader = leaders.get(role);
      if (leader === undefined || known.get(role) === leader.id) continue;
      known.set(role, leader.id);
      if (leader.id === standing.identity.id) log.info(`This daemon leads ${role}`);
      else log.info(`Another daemon (${placeOf(leader)}) leads ${role}; this one stands by`);
    }
  };
  announce(standing.look);
  standing.onNews(announce);
}

function placeOf({ host, pid }: DaemonIdentity): string {
  return `${host}, pid ${pid}`;
}
