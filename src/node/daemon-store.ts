/** Work that one daemon does for all: see docs/adr/0011-several-daemons.md. */
export const LEADER_ROLES = ['allocation', 'reconciliation', 'images'] as const;
export type LeaderRole = (typeof LEADER_ROLES)[number];

/** What a daemon may do: upstream's flags, turned round. */
export type DaemonRole = 'launches' | 'deletes' | 'images';

const NEEDED_TO_LEAD: Readonly<Record<LeaderRole, DaemonRole>> = {
  allocation: 'launches',
  reconciliation: 'deletes',
  images: 'images',
};

/** What a daemon that may do this is able to lead. */
export function leadableRoles(roles: readonly DaemonRole[]): readonly LeaderRole[] {
  return LEADER_ROLES.filter((role) => roles.includes(NEEDED_TO_LEAD[role]));
}

/** A daemon as it registered itself. One process has several after one another, if it was taken for dead. */
export type DaemonIdentity = {
  /** UUID; names it as the owner of rows. */
  readonly id: string;
  /** Rises with each registration. */
  readonly number: number;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly roles: readonly string[];
};

/** What is known about a daemon; all times are the database's. */
export type KnownDaemon = DaemonIdentity & {
  readonly leads: readonly string[];
  readonly startedAt: Date;
  readonly seenAt: Date;
  /** How long it was not heard of when the list was read, by the database's clock: no other one must agree with that. */
  readonly silentMs: number;
  /** Absent: it is alive, as far as is known. */
  readonly endedAt?: Date;
  readonly endedWhy?: string;
};

/** Shows the daemons that work on the database (adapter: src/db). */
export interface DaemonStore {
  /** By number; those that ended a day ago are forgotten. */
  list(): Promise<readonly KnownDaemon[]>;
}
