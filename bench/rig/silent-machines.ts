import type { RemoteMachines, RemoteSession } from '../../src/provider/remote-machine.ts';

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
