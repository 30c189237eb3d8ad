import { mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock, withDeadline } from '../../src/runtime/clock.ts';
import { aLabelSection, aProviderSection, aTargetSection, yamlOf } from '../builders/config-of.ts';
import { type BuiltPrograms, buildPrograms } from '../peers/built-programs.ts';

// Nobody listens there: port 1 needs root, and root's services are not in a test machine.
const REFUSING = '127.0.0.1:1';

let programs: BuiltPrograms;
let folder: string;
let environment: Readonly<Record<string, string | undefined>>;
let options: readonly string[];

beforeAll(async () => {
  programs = await buildPrograms(['src/nodepoold.ts', 'src/nodepool.ts']);
  folder = mkdtempSync('/tmp/np-peers-');
  chmodSync(folder, 0o755); // Postgres may run as another user, who must get through
  writeFileSync(
    join(folder, 'nodepool.yaml'),
    yamlOf({
      'gearman-servers': [{ host: '127.0.0.1', port: 1 }],
      'zmq-publishers': [`tcp://${REFUSING}`],
      labels: [aLabelSection()],
      providers: [aProviderSection({ 'auth-url': `http://${REFUSING}/v3`, rate: 0.001, 'api-timeout': 3 })],
      targets: [aTargetSection({ jenkins: { url: `http://${REFUSING}`, 'credentials-id': 'x' } })],
    }),
  );
  environment = {
    NODEPOOL_STATE_DIR: join(folder, 'state'),
    HOME: folder,
    STATSD_HOST: undefined,
    STATSD_PORT: undefined,
    OS_CLIENT_CONFIG_FILE: undefined,
  };
  options = ['-c', join(folder, 'nodepool.yaml'), '-s', join(folder, 'secure.conf')];
}, 60_000);

afterAll(async () => {
  await programs.run('nodepool', [...options, 'db', 'stop'], { environment });
  programs[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
}, 60_000);

function countOf(text: string, part: RegExp): number {
  return [...text.matchAll(part)].length;
}

test('a daemon whose peers are all away runs, complains once of each, serves the command line and ends when told', async () => {
  await using daemon = programs.start('nodepoold', ['-d', ...options], { environment });
  await daemon.untilSaid('Nodepool is running');
  await daemon.untilSaid('Cannot build image trusty');
  await daemon.untilSaid('Target jenkins1 is offline');
  await daemon.untilSaid('Gearman server does not answer');

  const list = await programs.run('nodepool', [...options, 'list'], { environment });
  const images = await programs.run('nodepool', [...options, 'image-list'], { environment });
  const hold = await programs.run('nodepool', [...options, 'hold', '7'], { environment });
  const complaints = daemon.stderr;
  daemon.kill('SIGUSR2');
  await daemon.untilSaid('Thread: Loop demand');
  daemon.kill('SIGTERM');
  const prompt = { what: 'nodepoold to end', ms: 10_000 };
  const ending = await withDeadline(prompt, { clock: systemClock }, () => daemon.ended);

  expect(ending).toEqual({ status: 0, signal: null });
  expect(list).toMatchObject({ status: 0, stderr: '' });
  expect(list.stdout).toMatch(/^\+-.*\n\| ID \| Provider \| AZ/);
  expect(images.stdout).toMatch(/^\+-.*\n\| ID \| Provider \| Image .*\n\+-[^|]*(\|.*\n)*\+-.*\n$/);
  expect(hold).toMatchObject({ status: 1, stdout: '', stderr: 'Node 7 not found.\n' });
  expect(countOf(daemon.stderr, /Gearman server does not answer/g)).toBe(1);
  expect(countOf(daemon.stderr, /Target jenkins1 is offline/g)).toBe(1);
  expect(complaints).not.toContain('    at '); // no stack: nothing of this is a bug
  expect(daemon.stderr).toContain('Nodepool has stopped');
}, 120_000);
