import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { systemClock } from '../src/runtime/clock.ts';
import type { Run } from './evidence.ts';

type Entry = { -readonly [Key in keyof Run]: Run[Key] };

/** The port of a witness, in the command. */
const PORT = 'WITNESS_PORT';

/** What each job does: its machine itself tells the witness when it begins and when it has ended. */
const COMMAND = `bash -c '
exec 3<>/dev/tcp/127.0.0.1/${PORT}
echo "began $CRASH_ATTEMPT $(cat /etc/nodepool/uuid)" >&3
sleep "$CRASH_SECONDS"
echo ended >&3
read -r -t 30 answer <&3
'
exit "$CRASH_STATUS"`;

/** Hears from the machines which jobs they ran, whatever Jenkins, gearmand and Nodepool say. Dispose of it. */
export class JobWitness implements AsyncDisposable {
  readonly #server: Server;
  readonly #entries: Entry[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#listen(socket);
    });
  }

  static async start(): Promise<JobWitness> {
    const server = createServer();
    const witness = new JobWitness(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return witness;
  }

  /** The shell step of the job that this witness hears of. */
  get command(): string {
    return COMMAND.replace(PORT, String((this.#server.address() as AddressInfo).port)); // TCP: never a string
  }

  get runs(): readonly Run[] {
    return this.#entries;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #listen(socket: Socket): void {
    let entry: Entry | undefined;
    this.#sockets.add(socket);
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => {
      this.#sockets.delete(socket);
      if (entry !== undefined) entry.closedMs = systemClock.monotonicMs();
    });
    createInterface({ input: socket }).on('line', (line) => {
      const [word, attempt = '', server = ''] = line.split(' ');
      const nowMs = systemClock.monotonicMs();
      if (word === 'began') {
        entry = { attempt, server, beganMs: nowMs, endedMs: undefined, closedMs: undefined };
        this.#entries.push(entry);
      } else if (entry !== undefined) {
        entry.endedMs = nowMs;
        socket.write('noted\n');
      }
    });
  }
}
