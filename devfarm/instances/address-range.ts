/** How many addresses a network has: 248 × 250, none ending in .0 or above .250. */
export const ADDRESS_COUNT = 62_000;

/** The n-th address of a network: `addressAt('127.77', 1)` is `127.77.0.2`. */
export function addressAt(network: string, n: number): string {
  return `${network}.${Math.floor(n / 250)}.${(n % 250) + 1}`;
}

/**
 * The number of the next free address after `last`. Walks round the whole range before one comes again: a late client
 * of a deleted instance must not meet its successor, nor an ssh client a changed host key.
 * @throws {Error} none is free
 */
export function nextAddress(network: string, last: number, taken: ReadonlySet<string>): number {
  for (let step = 1; step <= ADDRESS_COUNT; step += 1) {
    const n = ((last + step - 1) % (ADDRESS_COUNT - 1)) + 1;
    if (!taken.has(addressAt(network, n))) return n;
  }
  throw new Error(`Cannot find a free address in ${network}.0.0`);
}

/** @throws {Error} `network` is not the first two numbers of a loopback address, such as `127.77` */
export function requireLoopbackNetwork(network: string): void {
  const match = /^127\.([0-9]{1,3})$/.exec(network);
  const second = Number(match?.[1] ?? Number.NaN);
  // 127.0 holds localhost and the machine's own name.
  if (!(second >= 1 && second <= 255)) throw new Error(`Cannot use network "${network}": it must be 127.1 to 127.255`);
}
