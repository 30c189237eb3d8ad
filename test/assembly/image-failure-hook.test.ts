import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ImageFailureHook } from '../../src/assembly/image-failure-hook.ts';
import type { Config } from '../../src/config/config.ts';
import type { ImageFailure } from '../../src/image/image-failures.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { aConfig } from '../builders/a-config.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { until } from '../peers/until.ts';

const SLOW = { timeout: 60_000 }; // real programs are started
const SNAPSHOT: ImageFailure = {
  ...{ kind: 'snapshot', image: 'trusty', provider: 'east', id: 7, failures: 2 },
  reason: 'The setup script ended with status 7: "no $mirror"',
};

let folder: string;
let log: RecordingLogger;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'np-hook-'));
  log = new RecordingLogger();
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The hook is this shell script; it finds its folder in `$HOME`. */
function open(script: string | undefined): ImageFailureHook {
  const imageFailureHook = join(folder, 'hook');
  if (script !== undefined) writeFileSync(imageFailureHook, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const config: Config = aConfig(script === undefined ? {} : { imageFailureHook });
  const environment = { PATH: process.env['PATH'], HOME: folder, NODEPOOL_SECRET: 'hush', OS_PASSWORD: 'hush' };
  return new ImageFailureHook(() => config, {
    ...{ clock: systemClock, tasks: new TaskBoard(systemClock) },
    ...{ log, environment },
  });
}

function factsIn(name: string): readonly string[] {
  const lines = readFileSync(join(folder, name), 'utf8').split('\n');
  return lines.filter((line) => line.startsWith('NODEPOOL_')).sort();
}

test('it is run for each failure, with its facts and none of the daemon’s variables', SLOW, async () => {
  await using hook = open('env >"$HOME/$NODEPOOL_KIND"');

  hook.tell(SNAPSHOT);
  hook.tell({ kind: 'build', image: 'dib-trusty', id: 3, failures: 1, reason: 'a\0b' });
  hook.tell({ ...SNAPSHOT, kind: 'upload', dibImageId: 3 });
  await hook.settled();

  expect(factsIn('snapshot')).toEqual([
    'NODEPOOL_BUILD_ID=7',
    'NODEPOOL_FAILURE=The setup script ended with status 7: "no $mirror"',
    'NODEPOOL_FAILURES=2',
    'NODEPOOL_IMAGE=trusty',
    'NODEPOOL_KIND=snapshot',
    'NODEPOOL_PROVIDER=east',
  ]);
  expect(factsIn('build')).toEqual([
    ...['NODEPOOL_BUILD_ID=3', 'NODEPOOL_FAILURE=a b', 'NODEPOOL_FAILURES=1'],
    ...['NODEPOOL_IMAGE=dib-trusty', 'NODEPOOL_KIND=build'],
  ]);
  expect(factsIn('upload')).toEqual(expect.arrayContaining(['NODEPOOL_BUILD_ID=3', 'NODEPOOL_UPLOAD_ID=7']));
  expect(readFileSync(join(folder, 'snapshot'), 'utf8')).not.toContain('hush');
  expect(log.entries).toEqual([]);
});

test('one that fails is a warning in one line, and nothing else', SLOW, async () => {
  await using hook = open('echo "the pager is away"; exit 3');

  hook.tell(SNAPSHOT);
  await hook.settled();

  expect(log.entries).toMatchObject([
    {
      level: 'warn',
      message: expect.stringMatching(
        /^The image-failure-hook failed for image trusty: ".*hook" ended with status 3: the pager is away$/,
      ) as string,
    },
  ]);
});

test('four run at once, fifty are kept in mind, and what is more is said', SLOW, async () => {
  await using hook = open('touch "$HOME/began-$NODEPOOL_BUILD_ID"; exec sleep 1000');

  for (let id = 1; id <= 52; id += 1) hook.tell({ ...SNAPSHOT, id });
  const begun = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith('began'));
  await until('four have begun', () => Promise.resolve(begun().length >= 4), 30_000);

  const left = 'The image-failure-hook is not run for image trusty: 50 are under way';
  expect(log.messages('warn')).toEqual([left, left]);
  expect([...begun()].sort()).toEqual(['began-1', 'began-2', 'began-3', 'began-4']);
});

test('without the key nothing is run', async () => {
  await using hook = open(undefined);

  hook.tell(SNAPSHOT);
  await hook.settled();

  expect(readdirSync(folder)).toEqual([]);
  expect(log.entries).toEqual([]);
});
