import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkImages } from '../../src/assembly/setup-check/check-images.ts';
import { renderFinding } from '../../src/assembly/setup-check/finding.ts';
import { BuilderWorker } from '../../src/gearman/builder-worker.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { anImageSection, aProviderSection, configOf } from '../builders/config-of.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { type Gearmand, startGearmand } from '../peers/gearmand.ts';
import { until } from '../peers/until.ts';

const SLOW = { timeout: 60_000 }; // real servers are started

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'np-check-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

type Keys = Readonly<Record<string, unknown>>;
type Check = { readonly builder?: boolean; readonly path?: string };

/** The lines for a configuration with these keys. */
async function linesOf(keys: Keys, { builder = true, path = '' }: Check = {}): Promise<readonly string[]> {
  const check = { config: configOf(keys), builder, environment: { PATH: path } };
  const findings = await Promise.all(checkImages(check, { clock: systemClock, signal: neverAborted }));
  return findings.map(renderFinding);
}

/** Disk image `dib-trusty`, used by a label. */
function diskImage(keys: Keys = {}): Keys {
  const images = [anImageSection({ 'base-image': undefined, setup: undefined, diskimage: 'dib-trusty' })];
  return { diskimages: [{ name: 'dib-trusty' }], providers: [aProviderSection({ images })], ...keys };
}

test('a farm of snapshots needs no builder, and nothing is said of one', async () => {
  expect(await linesOf({})).toEqual([]);
});

describe('where the daemon builds itself', () => {
  const servers = { 'gearman-servers': [{ host: '127.0.0.1', port: 1 }] };

  test('its folder is told with the room there, and diskimage-builder with its place', async () => {
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin', 'disk-image-create'), '', { mode: 0o755 });
    const keys = diskImage({ ...servers, 'images-dir': join(folder, 'a/b') });

    expect(await linesOf(keys, { path: join(folder, 'bin') })).toEqual([
      expect.stringMatching(/^✔ images-dir .*a[/]b: [\d.]+ GiB free, for the daemon's own builder; it will be made$/),
      `✔ disk-image-create: ${folder}/bin/disk-image-create`,
    ]);
  });

  test('a folder that cannot be is told with the file that is in its way', async () => {
    writeFileSync(join(folder, 'images'), '');
    const keys = diskImage({ ...servers, 'images-dir': join(folder, 'images/trusty') });

    expect((await linesOf(keys))[0]).toMatch(
      /^✘ images-dir .*trusty: ".*images" is no folder; look at "images-dir", and at its owner$/,
    );
  });
});

describe('where other builders build', () => {
  test(
    'a disk image that one of them offers is good, one that none offers is named with what to do',
    SLOW,
    async () => {
      await using gearmand = await startGearmand();
      const keys = diskImage({ 'gearman-servers': [{ host: gearmand.host, port: gearmand.port }] });
      const alone = { builder: false };

      expect(await linesOf(keys, alone)).toEqual([
        '✘ image builder: No builder offers dib-trusty; start nodepool-builder with this configuration',
      ]);
      await using _builder = builderAt(gearmand, ['dib-trusty']);
      await until('it is offered', async () => (await linesOf(keys, alone))[0]?.startsWith('✔') === true, 30_000);
      expect(await linesOf(keys, alone)).toEqual(['✔ image builder: builders offer all 1 disk images that labels use']);
      expect(await linesOf(keys)).toHaveLength(1); // the daemon has no images-dir: it is no builder either
    },
  );

  test('a Gearman server that is away says nothing of builders', SLOW, async () => {
    const keys = diskImage({ 'gearman-servers': [{ host: '127.0.0.1', port: 1 }] });

    expect(await linesOf(keys)).toEqual([
      '✘ image builder: No Gearman server says what builders offer; ' +
        'start nodepool-builder with this configuration, or set "images-dir" for one in the daemon',
    ]);
  });
});

test('the folder of the logs and the hook are looked at where they are configured', async () => {
  const hook = join(folder, 'hook');
  const keys = { 'build-log-dir': join(folder, 'logs'), 'image-failure-hook': hook };
  const missing = await linesOf(keys);
  writeFileSync(hook, '#!/bin/sh\n');
  chmodSync(hook, 0o644);
  const plain = await linesOf(keys);
  chmodSync(hook, 0o755);
  const good = await linesOf(keys);

  expect(missing[1]).toMatch(/^✘ image-failure-hook .*hook: It is not there: .*; look at "image-failure-hook"$/);
  expect(plain[1]).toMatch(/^✘ image-failure-hook .*hook: This account may not run it.*$/);
  expect(good).toEqual([
    `✔ build-log-dir ${folder}/logs: logs can be written; it will be made`,
    `✔ image-failure-hook ${hook}: it is there`,
  ]);
});

function builderAt(server: Gearmand, diskimages: readonly string[]): AsyncDisposable {
  const work = {
    build: () => Promise.reject(new Error('It builds nothing')),
    upload: () => Promise.reject(new Error('It uploads nothing')),
    remove: () => Promise.reject(new Error('It removes nothing')),
  };
  const deps = { clock: systemClock, randomness: new CountingRandomness(), tasks: new TaskBoard(systemClock) };
  const options = { servers: [server], buildWorkers: 1, uploadWorkers: 0 };
  const worker = new BuilderWorker(options, { ...deps, log: new RecordingLogger(), work });
  worker.offerDiskImages(diskimages);
  return { [Symbol.asyncDispose]: () => worker.close() };
}
