import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import type { LoggedProcess } from './logged-process.ts';
import type { TestFarm } from './test-farm.ts';

// Unix sockets reach out of a network namespace, and TCP does not: so the database is reached by TCP within it.
const RELAY = `
require('node:net').createServer((inside) => {
  const outside = require('node:net').connect(process.argv[1]);
  inside.pipe(outside).pipe(inside);
  for (const socket of [inside, outside]) socket.on('error', () => {});
}).listen(5432, '127.0.0.1', () => process.stdout.write('up\\n'));
`;

// Waits for the relay; it ends with the namespace, whose first process becomes the daemon.
const SCRIPT = `
ip link set lo up
mkfifo "$1/relay"
node -e "$2" "$3" >"$1/relay" &
read -r _ <"$1/relay"
shift 3
exec "$@"
`;

/** A daemon on a host of its own: a network in which it reaches the database and nothing else. Needs root. */
export class CutOffHost {
  readonly daemon: LoggedProcess;

  private constructor(daemon: LoggedProcess) {
    this.daemon = daemon;
  }

  static async start(farm: TestFarm): Promise<CutOffHost> {
    const url = new URL(farm.databaseUrl.reveal().replace('@/', '@localhost/'));
    const socket = join(url.searchParams.get('host') ?? '', '.s.PGSQL.5432');
    const secure = join(farm.folder, 'cut-off.conf');
    writeFileSync(secure, `[database]\ndburi=postgresql://nodepool@127.0.0.1:5432${url.pathname}\n`, { mode: 0o600 });
    const network = ['unshare', '--net', '--pid', '--fork', '--kill-child', '--'];
    const within = [...network, 'sh', '-euc', SCRIPT, 'host', farm.folder, RELAY, socket];
    return new CutOffHost(await farm.startDaemon({ within, flags: ['-s', secure] }));
  }

  /** From now on its packets reach nobody, and nobody is told. */
  async cut(): Promise<void> {
    await this.#ip('down');
  }

  async join(): Promise<void> {
    await this.#ip('up');
  }

  async #ip(state: 'up' | 'down'): Promise<void> {
    await execa('nsenter', ['--target', String(this.daemon.pid), '--net', 'ip', 'link', 'set', 'lo', state]);
  }
}
