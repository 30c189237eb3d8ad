import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { farmFolder, writeFarmState } from '../../../devfarm/farm/farm-folder.ts';
import { findProcess, formatIdentity } from '../../../devfarm/instances/process-identity.ts';
import type { Said } from './farm-door.ts';

const NOBODY = 65_534;
const RUN_MS = 30_000;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync('/var/tmp/np-refused-');
  if (process.getuid?.() === 0) chownSync(folder, NOBODY, NOBODY);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function devfarm(words: readonly string[], prefix: readonly string[] = []): Promise<Said> {
  const [program = '', ...args] = [...prefix, join(inject('programs'), 'devfarm'), ...words];
  const { exitCode, stdout, stderr } = await execa(program, args, { reject: false, stdin: 'ignore' });
  return { exitCode: exitCode ?? -1, stdout, stderr };
}

type Account = {
  /** Its line in /etc/subuid. */
  readonly subuid: string;
  /** In a changed root directory the kernel makes no user namespaces. */
  readonly root?: 'changed';
};

/** The words that run the rest as the user nobody. */
function asNobody({ subuid, root }: Account): readonly string[] {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user', '--map-auto'];
  return ['unshare', ...user, '--mount', '--', 'sh', '-ec', BECOME_NOBODY, 'nobody', subuid, root ?? ''];
}

/** In a mount namespace, so the machine's own /etc stays as it is. */
const BECOME_NOBODY = `range=$1 root=$2
shift 2
mount -t tmpfs tmpfs /mnt
cp -a /etc /mnt/etc
mkdir /mnt/root
echo "$range" >/mnt/etc/subuid
echo "$range" >/mnt/etc/subgid
mount --bind /mnt/etc /etc
become="setpriv --reuid 65534 --regid 65534 --clear-groups"
[ -n "$root" ] || exec $become "$@"
mount --rbind / /mnt/root
exec chroot /mnt/root $become "$@"`;

test(
  'who is not root and has no range of user ids gets one clear line, and no folder',
  async () => {
    const said = await devfarm(['up', '--state', join(folder, 'farm')], asNobody({ subuid: 'somebody:3000000:65536' }));

    expect(said).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'devfarm: Cannot make instances: this needs root, or a range for user "nobody" in /etc/subuid',
    });
    expect(readdirSync(folder)).toEqual([]);
  },
  RUN_MS,
);

test(
  'who is not root, where the kernel gives no user namespaces, gets one clear line',
  async () => {
    const prefix = asNobody({ subuid: 'nobody:3000000:65536', root: 'changed' });
    const said = await devfarm(['up', '--state', join(folder, 'farm')], prefix);

    expect(said).toMatchObject({ exitCode: 1, stdout: '' });
    expect(said.stderr).toMatch(/^devfarm: .* does not let user "nobody" create user namespaces; run as root: .+$/);
    expect(readdirSync(folder)).toEqual([]);
  },
  RUN_MS,
);

test.each(['up', 'down', 'status', 'run', 'serve'])(
  '%s with a file for the folder is told in one line',
  async (verb) => {
    const file = join(folder, 'file');
    writeFileSync(file, '');

    const said = await devfarm([verb, '--state', file, ...(verb === 'run' ? ['true'] : [])]);

    rmSync(file);
    const stderr = `devfarm: Cannot have a farm in ${file}: it is a file, name a folder`;
    expect(said).toEqual({ exitCode: 1, stdout: '', stderr });
  },
);

describe('a farm that serves', () => {
  let root: string;
  let server: ChildProcess;

  beforeEach(async () => {
    root = join(folder, 'serving');
    mkdirSync(root);
    chmodSync(folder, 0o755);
    server = spawn('sh', ['-c', 'echo up; read line', 'devfarm', 'serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(server, 'spawn');
    const us = await findProcess(server.pid ?? 0);
    const addresses = {
      authUrl: 'http://127.0.0.1:1',
      jenkinsUrl: 'http://127.0.0.1:1',
      zmqEndpoint: 'tcp://127.0.0.1:1',
    };
    const state = { pid: server.pid ?? 0, gearmanPort: 1, ...addresses, sshPort: 22, machines: false };
    writeFarmState(farmFolder(root), state);
    writeFileSync(farmFolder(root).mark, '');
    writeFileSync(join(root, 'owner'), us === undefined ? '' : formatIdentity(us));
  });

  afterEach(async () => {
    const ended = once(server, 'close');
    server.kill('SIGKILL');
    await ended;
    rmSync(root, { recursive: true });
  });

  test('a command that is not there is told in one line', async () => {
    const said = await devfarm(['run', '--state', root, '/no/such']);

    const stderr = 'devfarm: Cannot run "/no/such": there is no such file';
    expect(said).toEqual({ exitCode: 1, stdout: '', stderr });
  });

  test(
    'another account that wants to end it is told in one line, and nothing is removed',
    async () => {
      const said = await devfarm(['down', '--state', root], asNobody({ subuid: 'nobody:3000000:65536' }));

      const stderr = 'devfarm: Cannot end the farm: it belongs to another account, be root or that one';
      expect(said).toEqual({ exitCode: 1, stdout: '', stderr });
      expect(readdirSync(root)).toContain('farm.json');
    },
    RUN_MS,
  );
});

test.each([
  ['an unknown verb', ['upp'], "error: unknown command 'upp'"],
  ['an unknown option', ['status', '--sate', '/x'], "error: unknown option '--sate'"],
  ['an option without its value', ['up', '--state'], "error: option '--state <folder>' argument missing"],
  [
    'an empty folder name',
    ['up', '--state', ''],
    "error: option '--state <folder>' argument '' is invalid. It is empty",
  ],
  ['a word too many', ['down', 'now'], "error: too many arguments for 'down'. Expected 0 arguments but got 1."],
  ['no command to run', ['run'], "error: missing required argument 'command'"],
])(
  '%s is told with status 1, and nothing is begun',
  async (_, words, message) => {
    const said = await devfarm(words);

    expect(said.exitCode).toBe(1);
    expect(said.stderr.split('\n')[0]).toBe(message);
  },
  RUN_MS,
);
