import type { KeyPair, KeyPairs, RemoteMachines, RemoteSession } from '../../src/provider/remote-machine.ts';
import { Secret } from '../../src/runtime/secret.ts';

/** Machines that take every login and do at once, and with success, whatever they are told: SSH is not what we measure. */
export const SILENT_MACHINES: RemoteMachines = {
  open: (login) => Promise.resolve(silentSession(login.username)),
};

function silentSession(username: string): RemoteSession {
  return {
    username,
    hostKey: 'sha256:bench',
    run: () => Promise.resolve({ status: 0, signal: undefined, tail: '' }),
    writeFile: () => Promise.resolve(),
    copyFolder: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const KEY_PAIR: KeyPair = { privateKey: new Secret('made ahead'), publicKey: 'ssh-rsa AAAA' };

/** The daemon makes keys ahead in the background. */
export const READY_KEY_PAIRS: KeyPairs = { create: () => Promise.resolve(KEY_PAIR) };
