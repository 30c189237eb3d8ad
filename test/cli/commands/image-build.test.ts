import { describe, expect, test } from 'vitest';
import { aDibImage } from '../../builders/a-dib-image.ts';
import { runCommand } from '../run-command.ts';
import { DAEMON, dibContext, endBuild, endUploads, start } from './a-builder.ts';

describe('image-build', () => {
  test('asks for a build, tells its steps, and returns when the files are there', async () => {
    const context = dibContext();
    const command = await start(context, 'image-build', 'dib-trusty');
    expect(context.history.all()).toMatchObject([{ subject: 'dib-image', who: 'cli:ada', why: 'image-build' }]);

    await context.dibImages.record(1, { step: 'wait-builder' });
    await context.clock.advance(60_000);
    await context.dibImages.record(1, { step: 'submitted' });
    await context.clock.advance(500);
    await endBuild(context);

    expect(await command.ended).toBe('');
    expect(context.told).toEqual([
      'Disk image dib-trusty: wait-builder',
      'Disk image dib-trusty: submitted',
      'Disk image dib-trusty is ready: /images/1',
    ]);
  });

  test('fails with the reason of the build, also where its row is gone already', async () => {
    const context = dibContext();
    const command = await start(context, 'image-build', 'dib-trusty');
    const at = context.clock.now();
    const failure = { diskimage: 'dib-trusty', failures: 1, lastError: 'Exit 1', failedAt: at, retryAt: at };
    await context.dibImages.saveFailure(failure);
    await context.dibImages.remove(aDibImage(), DAEMON);
    await context.clock.advance(500);

    await expect(command.ended).rejects.toThrow('Disk image dib-trusty failed: Exit 1');
  });

  test('withdraws its request where no daemon takes it up', async () => {
    const context = dibContext();
    const command = await start(context, 'image-build', 'dib-trusty');

    await context.clock.advance(21_000);

    await expect(command.ended).rejects.toThrow(
      'Disk image dib-trusty: no nodepoold took up the build, is one running?',
    );
    expect(context.dibImages.all()).toMatchObject([{ state: 'delete' }]);
  });

  test('refuses what is no disk image, and what is being built', async () => {
    const context = dibContext();
    context.dibImages.put(aDibImage({ state: 'building' }));

    await expect(runCommand(['image-build', 'trusty'], context)).rejects.toThrow(
      'Trying to build a non disk-image-builder image: trusty',
    );
    await expect(runCommand(['image-build', 'dib-trusty'], context)).rejects.toThrow(
      'Image dib-trusty is already being built',
    );
    expect(context.dibImages.all()).toHaveLength(1);
  });
});

describe('image-upload', () => {
  test('uploads the newest ready build to all providers that have the image', async () => {
    const context = dibContext();
    for (const facts of [{ id: 1 }, { id: 2 }, { id: 3, state: 'delete' as const }]) {
      context.dibImages.put(aDibImage(facts));
    }
    const command = await start(context, 'image-upload', 'trusty');

    expect(context.images.all()).toMatchObject([
      { provider: 'fake-provider', image: 'trusty', state: 'building', dibImageId: 2 },
      { provider: 'second', image: 'trusty', state: 'building', dibImageId: 2 },
    ]);
    await endUploads(context);

    expect(await command.ended).toBe('');
    expect(context.told).toEqual([
      'Image trusty on fake-provider is ready: cloud-1',
      'Image trusty on second is ready: cloud-2',
    ]);
  });

  test('uploads to one provider, also what an operator took back there', async () => {
    const context = dibContext();
    context.dibImages.put(aDibImage({ withdrawnFrom: ['["second","trusty"]', '["fake-provider","trusty"]'] }));
    const command = await start(context, 'image-upload', 'second', 'trusty');

    await endUploads(context);

    expect(await command.ended).toBe('');
    expect(context.images.all()).toMatchObject([{ provider: 'second', state: 'ready' }]);
    expect(context.dibImages.all()).toMatchObject([{ withdrawnFrom: ['["fake-provider","trusty"]'] }]);
  });

  test('fails where an upload fails, and names it', async () => {
    const context = dibContext();
    context.dibImages.put(aDibImage());
    const command = await start(context, 'image-upload', 'second', 'trusty');
    const [row] = context.images.all();
    if (row !== undefined) await context.images.apply(row, 'failed', DAEMON, { lastError: 'No room' });
    await context.clock.advance(500);

    await expect(command.ended).rejects.toThrow('Image trusty on second failed: No room');
  });

  test.each([
    [['second', 'xenial'], 'Image xenial not in use by provider second'],
    [['nowhere', 'trusty'], 'Provider nowhere does not exist'],
    [['all', 'trusty'], 'No build of disk image dib-trusty is ready: run "nodepool image-build dib-trusty" first'],
  ])('refuses %j', async (words, message) => {
    await expect(runCommand(['image-upload', ...words], dibContext())).rejects.toThrow(message);
  });

  test('refuses a snapshot image; with all it warns', async () => {
    const context = dibContext({ diskimage: undefined });
    const message = 'Trying to upload a non disk-image-builder image: trusty';

    await expect(runCommand(['image-upload', 'second', 'trusty'], context)).rejects.toThrow(message);
    expect(context.told).toEqual([]);
    await expect(runCommand(['image-upload', 'trusty'], context)).rejects.toThrow(message);
    expect(context.told).toEqual([
      `${message} (on fake-provider, which is left out)`,
      `${message} (on second, which is left out)`,
    ]);
  });
});

describe('image-update of a disk image', () => {
  test('builds it once, then uploads it everywhere, whether the daemon began that or not', async () => {
    const context = dibContext();
    const command = await start(context, 'image-update', 'all', 'trusty');
    const place = { provider: 'second', image: 'trusty', version: 1, dibImageId: 1 };
    await context.images.insert(place, DAEMON); // the daemon was faster in one of them

    await endBuild(context);
    await endUploads(context);

    expect(await command.ended).toBe('');
    expect(context.dibImages.all()).toHaveLength(1);
    expect(context.images.all().map(({ provider, dibImageId }) => [provider, dibImageId])).toEqual([
      ['second', 1],
      ['fake-provider', 1],
    ]);
  });

  test('uploads nothing where the build fails', async () => {
    const context = dibContext();
    const command = await start(context, 'image-update', 'all', 'trusty');

    await endBuild(context, 'Exit 1');

    await expect(command.ended).rejects.toThrow(/^Disk image dib-trusty failed: Exit 1$/);
    expect(context.images.all()).toEqual([]);
  });
});
