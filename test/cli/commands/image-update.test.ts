import { describe, expect, test } from 'vitest';
import type { SnapshotImage } from '../../../src/image/snapshot-image.ts';
import { anImageSection, aProviderSection, configOf } from '../../builders/config-of.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

const DAEMON = { who: 'image-builder', why: 'A test plays the daemon' };

/** The command under way, its row inserted. */
function start(context: FakeCommandContext, ...words: readonly string[]): { readonly ended: Promise<string> } {
  const ended = runCommand(['image-update', ...words], context);
  ended.catch(() => undefined); // awaited by the test, later
  return { ended };
}

async function rowOf(context: FakeCommandContext, provider = 'fake-provider'): Promise<SnapshotImage> {
  await context.clock.untilSleeping();
  const row = context.images.all().find((each) => each.provider === provider);
  if (row === undefined) throw new Error(`There is no image in ${provider}`);
  return row;
}

test('it asks for a build, tells its steps, and returns when the image is ready', async () => {
  const context = new FakeCommandContext();
  const command = start(context, 'fake-provider', 'trusty');
  const row = await rowOf(context);
  expect(row).toMatchObject({ provider: 'fake-provider', image: 'trusty', state: 'building' });
  expect(context.history.all()).toMatchObject([{ event: 'inserted', who: 'cli:ada', why: 'image-update' }]);

  await context.images.record(row.id, { step: 'create-server' });
  await context.clock.advance(500);
  const saving = await context.images.record(row.id, { step: 'save', externalId: 'cloud-1' });
  await context.clock.advance(500);
  if (saving !== undefined) await context.images.apply(saving, 'built', DAEMON);
  await context.clock.advance(500);

  expect(await command.ended).toBe('');
  expect(context.told).toEqual([
    'Image trusty on fake-provider: create-server',
    'Image trusty on fake-provider: save',
    'Image trusty on fake-provider is ready: cloud-1',
  ]);
});

test('a build that fails is an error with its reason', async () => {
  const context = new FakeCommandContext();
  const command = start(context, 'fake-provider', 'trusty');
  const row = await rowOf(context);

  await context.images.apply(row, 'failed', DAEMON, { lastError: 'The setup script ended with status 7' });
  await context.clock.advance(500);

  await expect(command.ended).rejects.toThrow(
    'Image trusty on fake-provider failed: The setup script ended with status 7',
  );
});

test('a build whose row is gone before we look has its reason among the failures', async () => {
  const context = new FakeCommandContext();
  const command = start(context, 'fake-provider', 'trusty');
  const row = await rowOf(context);
  const at = context.clock.now();
  const failure = { provider: 'fake-provider', image: 'trusty', failures: 1, failedAt: at, retryAt: at };
  await context.images.saveFailure({ ...failure, lastError: 'No room' });

  await context.images.remove(row, DAEMON);
  await context.clock.advance(500);

  await expect(command.ended).rejects.toThrow('Image trusty on fake-provider failed: No room');
});

test('where no daemon takes it up, the request is withdrawn and that is said', async () => {
  const context = new FakeCommandContext();
  const command = start(context, 'fake-provider', 'trusty');
  await rowOf(context);

  await context.clock.advance(21_000);

  await expect(command.ended).rejects.toThrow(/no nodepoold took up the build/);
  expect(context.images.all()).toMatchObject([{ state: 'delete' }]);
});

test('a build that was taken up is waited for, however long it takes within reason', async () => {
  const context = new FakeCommandContext();
  const command = start(context, 'fake-provider', 'trusty');
  const row = await rowOf(context);
  await context.images.record(row.id, { step: 'setup' });
  // Not second by second: the clock is fake, and each of its polls costs real time.
  const find = context.images.find.bind(context.images);
  context.images.find = async (id) => {
    const found = await find(id);
    await context.clock.sleep(600_000);
    return found;
  };

  await context.clock.advance(21 * 3_600_000);
  expect(context.images.all()).toMatchObject([{ state: 'building' }]);
  await context.clock.advance(3_600_000 + 600_000);

  await expect(command.ended).rejects.toThrow('Image trusty on fake-provider is still in step "setup" after 22 h');
});

test('an interrupted command leaves the build to the daemon', async () => {
  const context = new FakeCommandContext();
  const stop = new AbortController();
  const ended = runCommand(['image-update', 'fake-provider', 'trusty'], context, stop.signal);
  await rowOf(context);

  stop.abort(new Error('Interrupted'));

  await expect(ended).rejects.toThrow('Interrupted');
  expect(context.images.all()).toMatchObject([{ state: 'building' }]);
});

describe('all', () => {
  test('builds in each provider that has the image, and names each that failed', async () => {
    const context = new FakeCommandContext();
    const other = [anImageSection({ name: 'xenial' })];
    context.configuration = configOf({
      providers: [
        aProviderSection(),
        aProviderSection({ name: 'second' }),
        aProviderSection({ name: 'without', images: other }),
      ],
    });
    const command = start(context, 'all', 'trusty');
    await context.clock.untilSleeping(2);
    const [first, second] = context.images.all();
    expect(context.images.all().map(({ provider }) => provider)).toEqual(['fake-provider', 'second']);

    if (first !== undefined) await context.images.apply(first, 'built', DAEMON, { externalId: 'cloud-1' });
    if (second !== undefined) await context.images.apply(second, 'failed', DAEMON, { lastError: 'No room' });
    await context.clock.advance(500);

    await expect(command.ended).rejects.toThrow(/^Image trusty on second failed: No room$/);
    expect(context.told).toEqual(['Image trusty on fake-provider is ready: cloud-1']);
  });
});

describe('what cannot be built is refused, and no row is made', () => {
  const dib = [anImageSection({ diskimage: 'dib' })];

  const xenialOnly = aProviderSection({ name: 'second', images: [anImageSection({ name: 'xenial' })] });

  test.each([
    {
      what: 'an image that no label uses',
      words: ['all', 'xenial'],
      message: 'Image specified, xenial, is not in use.',
    },
    { what: 'an unknown provider', words: ['nowhere', 'trusty'], message: 'Provider nowhere does not exist' },
    {
      what: 'an image that this provider lacks',
      words: ['second', 'trusty'],
      sections: { providers: [aProviderSection(), xenialOnly] },
      message: 'Image trusty not in use by provider second',
    },
    {
      what: 'an image whose disk image nothing describes',
      words: ['all', 'trusty'],
      sections: { providers: [aProviderSection({ images: dib })] },
      message: 'Image trusty of fake-provider names disk image dib, which is not configured',
    },
  ])('$what', async ({ words, sections, message }) => {
    const context = new FakeCommandContext();
    context.configuration = configOf(sections);

    await expect(runCommand(['image-update', ...words], context)).rejects.toThrow(message);
    expect(context.images.all()).toEqual([]);
  });

  test('an image that is being built already', async () => {
    const context = new FakeCommandContext();
    await context.images.insert({ provider: 'fake-provider', image: 'trusty', version: 1 }, DAEMON);

    await expect(runCommand(['image-update', 'fake-provider', 'trusty'], context)).rejects.toThrow(
      'Image trusty on fake-provider is already being built',
    );
    expect(context.images.all()).toHaveLength(1);
  });
});
