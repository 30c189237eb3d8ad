import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCRIPT_FOLDER, scriptCommand } from '../../src/provider/script-command.ts';
import type { RemoteSession } from '../../src/provider/remote-machine.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { quoteForShell } from '../../src/ssh/quote-for-shell.ts';
import { SshMachines } from '../../src/ssh/ssh-machines.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';
import { type Sshd, startSshd } from '../peers/sshd.ts';

const BOOT_MS = 60_000;
const SHOW = `#!/bin/sh
printf '%s' "$1" | od -An -v -tx1 | tr -d ' \\n'
printf ':'
printf '%s' "$NODEPOOL_VALUE" | od -An -v -tx1 | tr -d ' \\n'
`;
const WORDS = [
  ...['', '$(touch pwned)', '`touch pwned`', '; touch pwned', '&& touch pwned #', '| touch pwned', '\ntouch pwned\n'],
  ...["'; touch pwned; '", '"; touch pwned; "', "'\\''", '$HOME', '${IFS}', '*', '~', '-rf', '--', '!!', '\\', '%s'],
  ...['a b  c', 'é😀', '\u001b[2J', '\r\n', '\t', '{a,b}', '<(id)', '> pwned', '= x', 'name=value'],
];

let sshd: Sshd;
let session: RemoteSession;
let scripts: string;

beforeAll(async () => {
  const key = makeSshKeyPair();
  sshd = await startSshd({ authorizedKeys: [key.public] });
  scripts = join(sshd.folder, 'scripts');
  mkdirSync(scripts);
  for (const name of ['show.sh', "it's $(touch pwned).sh"]) {
    writeFileSync(join(scripts, name), SHOW);
    chmodSync(join(scripts, name), 0o755);
  }
  const machines = new SshMachines({
    clock: systemClock,
    log: new RecordingLogger(),
    tasks: new TaskBoard(systemClock),
  });
  const credentials = [{ kind: 'key' as const, privateKey: new Secret(key.private) }];
  session = await machines.open({ ...sshd, credentials }, { timeoutMs: 30_000 }, neverAborted);
}, BOOT_MS);
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await sshd[Symbol.asyncDispose]();
});

/** What a real machine makes of our words: the argument and the variable, as the script gets them. */
async function arrived(argument: string, value: string, script = 'show.sh'): Promise<readonly string[]> {
  const call = { script, argument, environment: { NODEPOOL_VALUE: value, 'x; touch pwned': value } };
  const command = scriptCommand(call, quoteForShell).replace(`cd ${SCRIPT_FOLDER}`, `cd ${scripts}`);
  const { status, tail } = await session.run(command, { name: 'show', timeoutMs: 30_000 }, neverAborted);
  expect(status).toBe(0);
  return tail.split(':').map((hex) => Buffer.from(hex, 'hex').toString());
}

test('a machine gets exactly the words that were meant, and runs none of them', { timeout: BOOT_MS }, async () => {
  for (const word of WORDS) expect(await arrived(word, word)).toEqual([word, word]);

  expect(readdirSync(scripts)).not.toContain('pwned');
});

test('any words at all arrive as they are', { timeout: BOOT_MS }, async () => {
  const word = fc
    .string({ unit: 'binary', maxLength: 40 })
    .map((text) => Buffer.from(text.replaceAll('\0', '')).toString());

  await fc.assert(
    fc.asyncProperty(word, word, async (argument, value) => {
      expect(await arrived(argument, value)).toEqual([argument, value]);
    }),
    { numRuns: 40 },
  );
});

test('the name of a script is a name and no command', { timeout: BOOT_MS }, async () => {
  expect(await arrived('a', 'b', "it's $(touch pwned).sh")).toEqual(['a', 'b']);
  expect(readdirSync(scripts)).not.toContain('pwned');
});
