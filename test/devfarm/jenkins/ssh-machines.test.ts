import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AgentChannel, type BuildCommand, LoginRefusedError } from '../../../devfarm/jenkins/agent-machines.ts';
import { SshMachines } from '../../../devfarm/jenkins/ssh-machines.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { makeSshKeyPair } from '../../peers/ssh-key-pair.ts';
import { type Sshd, startSshd } from '../../peers/sshd.ts';
import { ScriptedSshServer } from '../../ssh/scripted-ssh-server.ts';

const BOOT_MS = 60_000;

let sshd: Sshd;
let goodKey: string;
let otherKey: string;
const machines = new SshMachines();

beforeAll(async () => {
  const [good, other] = [makeSshKeyPair(), makeSshKeyPair()];
  sshd = await startSshd({ authorizedKeys: [good.public] });
  goodKey = join(sshd.folder, 'good');
  otherKey = join(sshd.folder, 'other');
  await writeFile(goodKey, good.private, { mode: 0o600 });
  await writeFile(otherKey, other.private, { mode: 0o600 });
}, BOOT_MS);

afterAll(() => sshd[Symbol.asyncDispose]());

async function connect(privateKeyPath = goodKey, port = sshd.port): Promise<AgentChannel> {
  const credential = { id: 'key', username: sshd.username, privateKeyPath };
  return await machines.connect({ host: sshd.host, port, credential }, neverAborted);
}

/** What the step printed, and how it ended. */
async function run(
  channel: AgentChannel,
  command: Partial<BuildCommand>,
  signal = neverAborted,
): Promise<{ readonly status: number; readonly output: string }> {
  let output = '';
  const onOutput = (text: string): void => {
    output += text;
  };
  const whole = { script: 'true', environment: {}, folder: join(sshd.folder, 'work'), onOutput, ...command };
  return { status: await channel.run(whole, signal), output };
}

test('runs a step in its folder with its environment, whatever is in it', async () => {
  const channel = await connect();
  const environment = { ODD: `it's "odd" $HOME\n\\n ü`, EMPTY: '' };

  const { status, output } = await run(channel, { script: 'pwd; printf "%s|%s" "$ODD" "$EMPTY"', environment });
  channel.close();

  expect(status).toBe(0);
  expect(output).toContain(join(sshd.folder, 'work'));
  expect(output).toContain(`${environment.ODD}|`);
});

test('the exit status is told, and a step ends at its first failure', async () => {
  const channel = await connect();

  expect((await run(channel, { script: 'exit 3' })).status).toBe(3);
  const { status, output } = await run(channel, { script: 'false\necho not-reached' });
  channel.close();

  expect(status).not.toBe(0);
  expect(output).not.toContain('\nnot-reached');
});

test('a step whose end comes with its beginning is not lost: a busy Jenkins reads both at once', async () => {
  await using machine = await ScriptedSshServer.start({
    onExec: (_command, step) => {
      step.write('123\nprinted');
      step.exit(3);
      step.end();
    },
  });
  const channel = await connect(goodKey, machine.port);

  const { status, output } = await run(channel, {});
  channel.close();

  expect(status).toBe(3);
  expect(output).toBe('printed');
});

test('an aborted step is ended on the machine', async () => {
  const channel = await connect();
  const stop = new AbortController();
  const started = new Promise<void>((resolve) => {
    void run(
      channel,
      {
        script: 'trap "echo ended >> ../ended; exit 1" TERM; echo started; while :; do sleep 0.1; done',
        onOutput: (text) => {
          if (/^started/m.test(text)) resolve();
        },
      },
      stop.signal,
    ).catch(() => undefined);
  });
  await started;

  stop.abort('stopped');
  const { output } = await run(channel, { script: 'until [ -s ../ended ]; do sleep 0.05; done; cat ../ended' });
  channel.close();

  expect(output).toContain('ended');
});

test('an aborted step that does not heed the request is made to end', { timeout: BOOT_MS }, async () => {
  const channel = await connect();
  const stop = new AbortController();
  const script = 'trap "" TERM; echo started; while :; do sleep 0.1; done';
  const onOutput = (text: string): void => {
    if (/^started/m.test(text)) stop.abort('stopped');
  };

  const { status } = await run(channel, { script, onOutput }, stop.signal);
  channel.close();

  expect(status).toBe(143);
});

test('a machine that does not take the key is told apart from one that does not answer', async () => {
  await expect(connect(otherKey)).rejects.toThrow(LoginRefusedError);
  const refused = connect(goodKey, 1);
  await expect(refused).rejects.toThrow();
  await expect(refused).rejects.not.toThrow(LoginRefusedError);
});

test('a closed connection is lost, and its step fails without a status', async () => {
  const channel = await connect();
  const step = run(channel, { script: 'sleep 60' });
  const failed = expect(step).rejects.toThrow();

  channel.close();

  await channel.lost;
  await failed;
});

test('an aborted login is given up', async () => {
  const stop = new AbortController();
  const credential = { id: 'key', username: sshd.username, privateKeyPath: goodKey };
  const login = machines.connect({ host: sshd.host, port: sshd.port, credential }, stop.signal);
  stop.abort(new Error('The agent is deleted'));

  await expect(login).rejects.toThrow('The agent is deleted');
});
