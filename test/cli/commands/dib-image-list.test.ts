import { describe, expect, test } from 'vitest';
import { aDibImage } from '../../builders/a-dib-image.ts';
import { aSnapshotImage } from '../../builders/a-snapshot-image.ts';
import { anImageSection, aProviderSection, configOf } from '../../builders/config-of.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';
import { dibContext } from './a-builder.ts';

const AT = new Date('2026-01-01T00:00:00Z');

describe('dib-image-list', () => {
  test("prints upstream's columns, with the path of the files", async () => {
    const context = new FakeCommandContext();
    const stateChangedAt = new Date(context.clock.now().getTime() - 97_000);
    context.dibImages.put(aDibImage({ id: 12, stateChangedAt, version: 1_490_688_700 }));
    const fresh = { id: 13, rowVersion: 1, diskimage: 'another', version: 5, formats: [], withdrawnFrom: [] };
    context.dibImages.put({ ...fresh, state: 'building', stateChangedAt });

    expect(await runCommand(['dib-image-list'], context)).toBe(
      [
        '+----+------------+------------+------------+----------+-------------+',
        '| ID | Image      | Filename   | Version    | State    | Age         |',
        '+----+------------+------------+------------+----------+-------------+',
        '| 13 | another    | None       | 5          | building | 00:00:01:37 |',
        '| 12 | dib-trusty | /images/12 | 1490688700 | ready    | 00:00:01:37 |',
        '+----+------------+------------+------------+----------+-------------+',
        '',
      ].join('\n'),
    );
  });

  test('with --detail names builds as later Nodepool does, with builder and formats', async () => {
    const context = new FakeCommandContext();
    context.dibImages.put(aDibImage({ stateChangedAt: context.clock.now(), formats: ['qcow2', 'raw'] }));

    expect(await runCommand(['dib-image-list', '--detail'], context)).toBe(
      [
        '+-----------------------+------------+-----------+-----------+-------+-------------+',
        '| ID                    | Image      | Builder   | Formats   | State | Age         |',
        '+-----------------------+------------+-----------+-----------+-------+-------------+',
        '| dib-trusty-0000000001 | dib-trusty | builder-1 | qcow2,raw | ready | 00:00:00:00 |',
        '+-----------------------+------------+-----------+-----------+-------+-------------+',
        '',
      ].join('\n'),
    );
  });

  test('tells failed builds beside the table', async () => {
    const context = new FakeCommandContext();
    context.dibImages.put(aDibImage());
    const failure = { failedAt: AT, lastError: 'Exit 1', retryAt: new Date('2100-01-01T00:00:00Z') };
    await context.dibImages.saveFailure({ diskimage: 'dib-trusty', failures: 3, ...failure });
    await context.dibImages.saveFailure({ diskimage: 'missing', failures: 1, ...failure, retryAt: AT });

    await runCommand(['dib-image-list'], context);

    expect(context.told).toEqual([
      'Disk image dib-trusty failed 3 times in a row, tried again at 2100-01-01T00:00:00Z (the one before it serves): Exit 1',
      'Disk image missing failed once, tried again now: Exit 1',
    ]);
  });
});

test('image-list --detail names the build of each upload, its number where the build is gone, and none of a snapshot', async () => {
  const context = new FakeCommandContext();
  const stateChangedAt = context.clock.now();
  context.dibImages.put(aDibImage({ id: 2 }));
  context.images.put(aSnapshotImage({ id: 1, image: 'a', dibImageId: 2, hostname: 'template-1', stateChangedAt }));
  context.images.put(aSnapshotImage({ id: 2, image: 'b', dibImageId: 1, externalId: 'cloud-2', stateChangedAt }));
  context.images.put(aSnapshotImage({ id: 3, image: 'c', stateChangedAt }));

  expect(await runCommand(['image-list', '--detail'], context)).toBe(
    [
      '+-----------------------+-----------+---------------+-------+---------------------+-------------------+-------+-------------+',
      '| Build ID              | Upload ID | Provider      | Image | Provider Image Name | Provider Image ID | State | Age         |',
      '+-----------------------+-----------+---------------+-------+---------------------+-------------------+-------+-------------+',
      '| dib-trusty-0000000002 | 1         | fake-provider | a     | template-1          | None              | ready | 00:00:00:00 |',
      '| 1                     | 2         | fake-provider | b     | None                | cloud-2           | ready | 00:00:00:00 |',
      '| None                  | 3         | fake-provider | c     | None                | None              | ready | 00:00:00:00 |',
      '+-----------------------+-----------+---------------+-------+---------------------+-------------------+-------+-------------+',
      '',
    ].join('\n'),
  );
});

test('image-list tells when an upload that failed is tried again, though an older one serves', async () => {
  const context = new FakeCommandContext();
  context.images.put(aSnapshotImage({ dibImageId: 1 }));
  const failure = { failures: 1, failedAt: AT, lastError: 'No room', retryAt: new Date('2100-01-01T00:00:00Z') };
  await context.images.saveFailure({ provider: 'fake-provider', image: 'trusty', ...failure });

  await runCommand(['image-list'], context);

  expect(context.told).toEqual([
    'Image trusty on fake-provider failed once, tried again at 2100-01-01T00:00:00Z: No room',
  ]);
});

describe('image-status', () => {
  test('shows pauses of both kinds, and what is asked for or being built since when', async () => {
    const context = new FakeCommandContext();
    const disk = ['waits', 'builds', 'idle', 'in-file', 'by-command'];
    context.configuration = configOf({
      diskimages: disk.map((name) => ({ name, pause: name === 'in-file' })),
      providers: [aProviderSection({ images: [anImageSection(), anImageSection({ name: 'xenial' })] })],
    });
    const stateChangedAt = new Date(context.clock.now().getTime() - 250_000);
    const building = { state: 'building', stateChangedAt } as const;
    context.dibImages.put(aDibImage({ ...building, id: 1, diskimage: 'waits', step: 'wait-builder' }));
    context.dibImages.put(aDibImage({ ...building, id: 2, diskimage: 'builds', step: 'submitted' }));
    context.dibImages.put(aDibImage({ id: 3, diskimage: 'idle' }));
    context.images.put(aSnapshotImage({ ...building, step: 'setup' }));
    await context.imagePauses.pause('by-command', { who: 'cli:ada' });
    await context.imagePauses.pause('xenial', { who: 'cli:ada' });

    expect(await runCommand(['image-status'], context)).toBe(
      [
        '+------------+--------+---------------+-------------------+',
        '| Image      | Paused | Build Request | Build Request Age |',
        '+------------+--------+---------------+-------------------+',
        '| waits      | False  | pending       | 00:00:04:10       |',
        '| builds     | False  | building      | 00:00:04:10       |',
        '| idle       | False  | None          | None              |',
        '| in-file    | True   | None          | None              |',
        '| by-command | True   | None          | None              |',
        '| trusty     | False  | building      | 00:00:04:10       |',
        '| xenial     | True   | None          | None              |',
        '+------------+--------+---------------+-------------------+',
        '',
      ].join('\n'),
    );
  });
});

describe('image-pause and image-unpause', () => {
  test('keep a pause by name, and end it', async () => {
    const context = dibContext();

    expect(await runCommand(['image-pause', 'dib-trusty'], context)).toBe('');
    expect(await context.imagePauses.list()).toMatchObject([{ name: 'dib-trusty', who: 'cli:ada' }]);
    await runCommand(['image-pause', 'dib-trusty'], context);
    expect(context.told).toEqual(['Image dib-trusty was paused already']);

    expect(await runCommand(['image-unpause', 'dib-trusty'], context)).toBe('');
    expect(await context.imagePauses.list()).toEqual([]);
    await expect(runCommand(['image-unpause', 'dib-trusty'], context)).rejects.toThrow(
      'Image dib-trusty is not paused',
    );
  });

  test('refuse an unknown name, and say so where the configuration pauses', async () => {
    const context = dibContext({ pause: true });

    await expect(runCommand(['image-pause', 'nothing'], context)).rejects.toThrow("No image 'nothing' found.");
    await expect(runCommand(['image-unpause', 'trusty'], context)).rejects.toThrow(
      'Image trusty is paused by "pause" in /etc/nodepool/nodepool.yaml',
    );
  });
});
