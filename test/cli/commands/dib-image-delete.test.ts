import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aDibImage } from '../../builders/a-dib-image.ts';
import { aSnapshotImage } from '../../builders/a-snapshot-image.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';
import { DAEMON, start } from './a-builder.ts';

describe('dib-image-delete', () => {
  test.each(['1', 'dib-trusty-0000000001'])('%s marks the build and returns when its row is gone', async (id) => {
    const context = new FakeCommandContext();
    context.dibImages.put(aDibImage());
    const command = await start(context, 'dib-image-delete', id);
    expect(context.dibImages.all()).toMatchObject([{ state: 'delete' }]);

    await context.dibImages.remove(aDibImage(), DAEMON);
    await context.clock.advance(500);

    expect(await command.ended).toBe('');
    expect(context.history.all()[0]).toMatchObject({ event: 'deleted', who: 'cli:ada' });
  });

  test('says what to look for when the files do not go', async () => {
    const context = new FakeCommandContext();
    context.dibImages.put(aDibImage());
    const command = await start(context, 'dib-image-delete', '1');

    await context.clock.advance(61_000);

    await expect(command.ended).rejects.toThrow(
      'Build dib-trusty-0000000001 is marked, but its files are still there: are nodepoold and its builder running?',
    );
  });

  test.each([
    ['7', 'Build 7 not found'],
    ['other-0000000001', 'Build other-0000000001 not found'],
    ['x', 'Build x not found'],
    ['2', 'Cannot delete a build in progress'],
    ['3', 'Cannot delete because image upload in progress'],
  ])('%s is refused', async (id, message) => {
    const context = new FakeCommandContext();
    context.dibImages.put(aDibImage({ id: 1 }));
    context.dibImages.put(aDibImage({ id: 2, state: 'building' }));
    context.dibImages.put(aDibImage({ id: 3 }));
    context.images.put(aSnapshotImage({ state: 'building', dibImageId: 3 }));

    await expect(runCommand(['dib-image-delete', id], context)).rejects.toThrow(message);
    expect(context.dibImages.all().map(({ state }) => state)).toEqual(['ready', 'building', 'ready']);
  });
});

describe('image-delete of uploads', () => {
  function withUploads(): FakeCommandContext {
    const context = new FakeCommandContext();
    context.dibImages.put(aDibImage({ id: 5 }));
    context.images.put(aSnapshotImage({ id: 1, provider: 'east', dibImageId: 5, externalId: 'cloud-1' }));
    context.images.put(aSnapshotImage({ id: 2, provider: 'west', dibImageId: 5, externalId: 'cloud-2' }));
    context.images.put(aSnapshotImage({ id: 3, provider: 'west', dibImageId: 4 }));
    return context;
  }
  const long = (upload: string, build: string): readonly string[] => [
    ...['image-delete', '--provider', 'east', '--image', 'trusty'],
    ...['--upload-id', upload, '--build-id', build],
  ];

  test('remembers that the build was taken back there, so that the daemon does not upload it again', async () => {
    const context = withUploads();

    await runCommand(['image-delete', '1'], context);

    expect(context.images.all().map(({ id }) => id)).toEqual([2, 3]);
    expect(context.dibImages.all()).toMatchObject([{ withdrawnFrom: ['["east","trusty"]'] }]);
  });

  test('takes all four long options, which must fit', async () => {
    const context = withUploads();

    await expect(runCommand(long('2', '5'), context)).rejects.toThrow('Image upload not found');
    await expect(runCommand(long('1', '4'), context)).rejects.toThrow('Image upload not found');
    await expect(runCommand(long('1', '5').slice(0, -2), context)).rejects.toThrow(/Give an id, or all of/);
    await expect(runCommand([...long('1', '5'), '1'], context)).rejects.toThrow(
      'Give either an id or the four options',
    );
    expect(context.images.all()).toHaveLength(3);
    await runCommand(long('1', '5'), context);

    expect(context.images.all().map(({ id }) => id)).toEqual([2, 3]);
  });

  test('by the long options is refused while it is under way', async () => {
    const context = withUploads();
    context.images.put(aSnapshotImage({ id: 1, provider: 'east', dibImageId: 5, state: 'building' }));

    await expect(runCommand(long('1', '5'), context)).rejects.toThrow('Cannot delete because image upload in progress');
  });

  test('by the name of a build deletes all uploads of it', async () => {
    const context = withUploads();

    await runCommand(['image-delete', 'dib-trusty-0000000005'], context);

    expect(context.images.all().map(({ id }) => id)).toEqual([3]);
    expect(context.dibImages.all()[0]?.withdrawnFrom).toEqual(['["east","trusty"]', '["west","trusty"]']);
    await expect(runCommand(['image-delete', 'dib-trusty-0000000005'], context)).rejects.toThrow(
      "No image 'dib-trusty-0000000005' found.",
    );
  });

  test('--force drops the row though the cloud refuses, and says what stays', async () => {
    const context = withUploads();
    context.refusal = new Error('Image is in use');

    await expect(runCommand(['image-delete', '1'], context)).rejects.toThrow('Image is in use');
    expect(await runCommand(['image-delete', '1', '--force'], context)).toBe('');

    expect(context.images.all().map(({ id }) => id)).toEqual([2, 3]);
    expect(context.told).toEqual(['Image cloud-1 stays in east: Image is in use']);
  });
});

describe('export-image-data and import-image-data', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'image-data-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('carry what is ready to another database, in a file that only its owner can read', async () => {
    const [from, to] = [new FakeCommandContext(), new FakeCommandContext()];
    from.dibImages.put(aDibImage({ id: 5 }));
    from.dibImages.put(aDibImage({ id: 6, state: 'building' }));
    from.images.put(aSnapshotImage({ id: 1, dibImageId: 5, externalId: 'cloud-1', hostname: 'template-1' }));
    from.images.put(aSnapshotImage({ id: 2, externalId: 'cloud-2', state: 'delete' }));
    const path = join(folder, 'images.json');
    writeFileSync(path, 'what was there', { mode: 0o644 });

    expect(await runCommand(['export-image-data', path], from)).toBe('');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await runCommand(['import-image-data', path], to)).toBe('');

    expect(to.dibImages.all()).toEqual([aDibImage({ id: 5 })]);
    expect(to.images.all()).toEqual(from.images.all().slice(0, 1));
    expect(to.told).toEqual(['Imported 1 disk images and 1 images of providers']);
    await expect(runCommand(['import-image-data', path], to)).rejects.toThrow(
      'Nothing is imported, for there is already: disk image 5, image 1',
    );
  });

  test.each([
    ['no JSON', '{'],
    ['another file', '{"labels": []}'],
    ['an id twice', fileOf([image(1), image(1)])],
    ['an id that is none', fileOf([image(0)])],
    ['a NUL', fileOf([{ ...image(1), hostname: 'a\0b' }])],
  ])('an import refuses %s and adds nothing', async (_what, text) => {
    const context = new FakeCommandContext();
    const path = join(folder, 'images.json');
    writeFileSync(path, text);

    await expect(runCommand(['import-image-data', path], context)).rejects.toThrow(`Cannot import "${path}"`);
    expect(context.images.all()).toEqual([]);
  });

  test('an export into a folder that is not there fails with its path', async () => {
    const path = join(folder, 'nowhere', 'images.json');

    await expect(runCommand(['export-image-data', path], new FakeCommandContext())).rejects.toThrow(
      `Cannot write "${path}": there is no such file`,
    );
  });

  test('an export follows a link, writes into what is no file, and leaves nothing where it cannot', async () => {
    const context = new FakeCommandContext();
    const [path, link] = [join(folder, 'images.json'), join(folder, 'link')];
    writeFileSync(path, 'what was there');
    symlinkSync(path, link);

    await runCommand(['export-image-data', link], context);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(path, 'utf8')).toContain('nodepool-image-data');
    await expect(runCommand(['export-image-data', '/dev/full'], context)).rejects.toThrow(
      'Cannot write "/dev/full": no space is left',
    );
    expect(statSync('/dev/full').isCharacterDevice()).toBe(true);
    await expect(runCommand(['export-image-data', folder], context)).rejects.toThrow('it is a folder');
    expect(readdirSync(folder).sort()).toEqual(['images.json', 'link']);
  });

  test('an export leaves no half file behind', async () => {
    const path = join(folder, 'images.json');
    await runCommand(['export-image-data', path], new FakeCommandContext());

    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      ...{ format: 'nodepool-image-data', version: 1, builds: [], images: [] },
    });
    await runCommand(['export-image-data', path], new FakeCommandContext());
  });
});

function image(id: number): object {
  return { id, provider: 'east', image: 'trusty', external_id: 'cloud', state_time: 1 };
}

function fileOf(images: readonly object[]): string {
  return JSON.stringify({ format: 'nodepool-image-data', version: 1, builds: [], images });
}
