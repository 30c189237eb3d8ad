import type { ServerSize } from '../provider/cloud-provider.ts';

/** What is free in a provider. Infinity: without limit. */
export type Room = {
  /** Servers; none or more. */
  readonly slots: number;
  readonly cores: number;
  readonly ramMib: number;
};

const NOTHING: ServerSize = { cores: 0, ramMib: 0 };

/** Servers of one image; undefined: nobody knows which. */
export type ServerGroup = { readonly image: string | undefined; readonly count: number };

/** How many of the free slots servers of that size can take; all, where there is no such server. */
export function slotsFor({ slots, cores, ramMib }: Room, size: ServerSize = NOTHING): number {
  return Math.min(slots, timesIn(cores, size.cores), timesIn(ramMib, size.ramMib));
}

/** The room when so many more servers of that size are there. */
export function roomBeside(room: Room, servers: number, size: ServerSize = NOTHING): Room {
  return {
    slots: room.slots - servers,
    cores: room.cores - servers * size.cores,
    ramMib: room.ramMib - servers * size.ramMib,
  };
}

/**
 * What the servers take together. One of unknown size, since its label or image left the configuration, counts as the
 * largest there is: a limit is rather kept than used up.
 */
export function totalSize(groups: readonly ServerGroup[], sizes: ReadonlyMap<string, ServerSize>): ServerSize {
  const largest = {
    cores: Math.max(0, ...[...sizes.values()].map(({ cores }) => cores)),
    ramMib: Math.max(0, ...[...sizes.values()].map(({ ramMib }) => ramMib)),
  };
  let { cores, ramMib } = NOTHING;
  for (const { image, count } of groups) {
    const size = (image === undefined ? undefined : sizes.get(image)) ?? largest;
    cores += count * size.cores;
    ramMib += count * size.ramMib;
  }
  return { cores, ramMib };
}

function timesIn(free: number, each: number): number {
  return each > 0 ? Math.max(0, Math.floor(free / each)) : Infinity;
}
