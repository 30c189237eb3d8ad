import { expect, test } from 'vitest';
import { aSnapshotImage } from '../../builders/a-snapshot-image.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

test.each(['building', 'ready', 'delete'] as const)(
  'an image in state %s is deleted, silently, and the one before it stays',
  async (state) => {
    const context = new FakeCommandContext();
    context.images.put(aSnapshotImage({ id: 1 }));
    context.images.put(aSnapshotImage({ id: 2, state, externalId: 'cloud-2' }));

    const printed = await runCommand(['image-delete', '2'], context);

    expect(printed).toBe('');
    expect(context.told).toEqual([]);
    expect(context.images.all().map(({ id, state: left }) => [id, left])).toEqual([[1, 'ready']]);
  },
);

test('an image that the cloud refuses to delete stays marked, so that the daemon goes on', async () => {
  const context = new FakeCommandContext();
  context.images.put(aSnapshotImage());
  context.refusal = new Error('Image is in use');

  await expect(runCommand(['image-delete', '1'], context)).rejects.toThrow('Image is in use');
  expect(context.images.all()).toMatchObject([{ id: 1, state: 'delete' }]);
  expect(context.history.all()).toMatchObject([{ subject: 'image', event: 'deleted', who: 'cli:ada' }]);
});

test('an image whose build ended between our look and our change is deleted all the same', async () => {
  const context = new FakeCommandContext();
  const { images } = context;
  images.put(aSnapshotImage({ state: 'building' }));
  const find = images.find.bind(images);
  images.find = async (id) => {
    const seen = await find(id);
    images.find = find;
    if (seen !== undefined) await images.apply(seen, 'built', { who: 'image-builder', why: 'It is active' });
    return seen;
  };

  await runCommand(['image-delete', '1'], context);

  expect(images.all()).toEqual([]);
});

test.each(['7', '-1', '2147483648', 'trusty'])('%j names no image', async (id) => {
  const context = new FakeCommandContext();
  context.images.put(aSnapshotImage());

  await expect(runCommand(['image-delete', id], context)).rejects.toThrow(`No image '${id}' found.`);
  expect(context.images.all()).toMatchObject([{ state: 'ready' }]);
});
