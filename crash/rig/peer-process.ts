import { LoggedProcess } from '../../test/integration/logged-process.ts';

/** A part of the farm in a process of its own, and where it is reached. */
export type PeerProcess<Address> = { readonly process: LoggedProcess; readonly address: Address };

const READY = /^ready /;

/** Starts a part of the farm and waits until it works. @throws {Error} it ended before, or takes too long */
export async function startPeer<Address>(
  words: readonly string[],
  options: object,
  folder: string,
): Promise<PeerProcess<Address>> {
  const { PATH, HOME } = process.env;
  const peer = new LoggedProcess([...words, JSON.stringify(options)], { cwd: folder, env: { PATH, HOME } });
  try {
    const line = await peer.logged(READY);
    const address = JSON.parse(line.replace(READY, '')) as Address; // what our own program prints
    return { process: peer, address };
  } catch (error) {
    await peer.kill();
    throw error;
  }
}
