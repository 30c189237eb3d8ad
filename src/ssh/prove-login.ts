import { RemoteError } from '../provider/remote-machine.ts';
import type { Clock } from '../runtime/clock.ts';
import { runOnChannel } from './run-on-channel.ts';
import type { SshConnection } from './ssh-connection.ts';

const PROOF = 'access okay';

/**
 * Makes sure that the account gives a shell (upstream: "test ssh access"). Cloud images let root in only to say
 * `Please login as the user "debian"`, and hang up ten seconds later.
 *
 * @throws {RemoteError} `authentication`: it does not
 */
export async function proveLogin(
  connection: SshConnection,
  deps: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  const onLine = (line: string): void => {
    if (/please login as /i.test(line)) throw refusal(connection, line);
  };
  const result = await connection.exec(`echo ${PROOF}`, { pty: true }, (channel) =>
    runOnChannel(channel, { clock: deps.clock, onLine }, signal),
  );
  if (result === undefined) {
    throw new RemoteError('connection', `Connection to ${connection.where} broke at its first command`, {
      cause: connection.failure,
    });
  }
  if (!result.tail.includes(PROOF)) throw refusal(connection, result.tail.split('\n')[0] ?? '');
}

function refusal(connection: SshConnection, answer: string): RemoteError {
  return new RemoteError('authentication', `No shell as ${connection.where}: it answered "${answer.trim()}"`);
}
