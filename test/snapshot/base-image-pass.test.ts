import { describe, expect, test } from 'vitest';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { PartedPass } from '../../src/runtime/parted-pass.ts';
import { runBaseImagePass } from '../../src/snapshot/base-image-pass.ts';
import { aLabelSection, anImageSection, aProviderSection, configOf } from '../builders/config-of.ts';
import { aSnapshotImage } from '../builders/a-snapshot-image.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { BASE_IMAGE, BuildBench } from './build-bench.ts';

const WATCHED = { 'rebuild-on-base-change': true };

/** An image `trusty` that is ready, made of the base image that the cloud has. */
async function benchWithImage(image: Readonly<Record<string, unknown>> = WATCHED): Promise<BuildBench> {
  const bench = new BuildBench({
    config: configOf({ providers: [aProviderSection({ images: [anImageSection(image)] })] }),
  });
  await bench.pass();
  return bench;
}

/** The operator replaces the base image by another of the same name. */
function replaceBase(bench: BuildBench, id: string): void {
  for (const old of bench.cloud.images.peekAll()) if (old.name === BASE_IMAGE.name) bench.cloud.images.delete(old.id);
  bench.cloud.images.add({ ...BASE_IMAGE, id });
}

async function look(bench: BuildBench): Promise<void> {
  const clock = new FakeClock(); // the pass waits for its parts
  const deps = { clock, log: bench.log, tasks: new TaskBoard(clock) };
  const eachProvider = new PartedPass('Looking at base images of', deps);
  await runBaseImagePass({ ...bench.passDeps(), eachProvider }, bench.stop.signal);
}

function states(bench: BuildBench): readonly string[] {
  return bench.images.all().map(({ id, state }) => `${id} ${state}`);
}

describe('an image with rebuild-on-base-change', () => {
  test('is made anew when its base image is another one of the same name; the log and the history say why', async () => {
    const bench = await benchWithImage();
    expect(bench.row().baseImageId).toBe('base-id');
    replaceBase(bench, 'base-2');

    await look(bench);
    await look(bench); // one build at a time

    const why = 'Base image "base" was replaced: it is base-2, and was base-id';
    expect(bench.log.messages('info')).toContain(`Image trusty on fake-provider is built anew: ${why}`);
    expect((await bench.images.history.list('image', 2))[0]).toMatchObject({ event: 'inserted', why });
    expect(states(bench)).toEqual(['1 ready', '2 building']);
    await bench.pass();
    expect(await bench.images.find(2)).toMatchObject({ state: 'ready', baseImageId: 'base-2' });
    await look(bench);
    expect(states(bench)).toEqual(['1 ready', '2 ready']);
  });

  test('costs one call for each base image, and nothing else while that stays the same', async () => {
    const images = ['trusty', 'trusty-large'].map((name) => anImageSection({ name, ...WATCHED }));
    const labels = images.map(({ name }) => aLabelSection({ name, image: name }));
    const bench = new BuildBench({ config: configOf({ labels, providers: [aProviderSection({ images })] }) });
    await bench.pass();
    const before = bench.cloud.calls.length;

    await look(bench);

    expect(bench.cloud.calls.slice(before)).toEqual(['findImage']);
    expect(states(bench)).toEqual(['1 ready', '2 ready']);
  });

  test('whose newest image an operator deleted stays with the one before it: that is no other base image', async () => {
    const bench = await benchWithImage();
    replaceBase(bench, 'base-2');
    await look(bench);
    await bench.pass();
    await bench.pass();
    const bad = await bench.images.find(2);
    if (bad !== undefined) await bench.images.apply(bad, 'deleted', { who: 'cli:ada', why: 'It is bad' });
    await bench.pass();

    await look(bench);

    expect(states(bench)).toEqual(['1 ready']);
    replaceBase(bench, 'base-3');
    await look(bench);
    expect(states(bench)).toEqual(['1 ready', '3 building']);
  });

  test('is not asked for again before the wait after a failed build is over', async () => {
    const bench = await benchWithImage();
    replaceBase(bench, 'base-2');
    bench.machines.run = (command) =>
      command.includes('prepare.sh') ? { status: 1, signal: undefined, tail: 'E: no' } : undefined;
    await look(bench);
    await bench.pass();
    await bench.pass();
    expect(states(bench)).toEqual(['1 ready']);

    await look(bench);
    expect(states(bench)).toEqual(['1 ready']);
    await bench.clock.sleep(30_000);
    await look(bench);

    expect(states(bench)).toEqual(['1 ready', '3 building']);
  });

  test.each<[string, (bench: BuildBench) => Promise<void>]>([
    [
      'paused by a command',
      async (bench) => {
        await bench.imagePauses.pause('trusty', { who: 'cli:ada' });
      },
    ],
    [
      'paused in the configuration',
      (bench) => {
        const images = [anImageSection({ ...WATCHED, pause: true })];
        bench.config = configOf({ providers: [aProviderSection({ images })] });
        return Promise.resolve();
      },
    ],
    [
      'used by no label',
      (bench) => {
        bench.config = configOf({ labels: [], providers: [aProviderSection({ images: [anImageSection(WATCHED)] })] });
        return Promise.resolve();
      },
    ],
  ])('that is %s waits, and the cloud is not asked', async (_what, change) => {
    const bench = await benchWithImage();
    replaceBase(bench, 'base-2');
    await change(bench);
    const before = bench.cloud.calls.length;

    await look(bench);

    expect(states(bench)).toEqual(['1 ready']);
    expect(bench.cloud.calls.slice(before)).toEqual([]);
  });

  test('stays while the base image is away or the cloud does not say, for it is about to be replaced', async () => {
    const bench = await benchWithImage();
    bench.cloud.images.delete('base-id');
    await look(bench);
    bench.cloud.images.add({ ...BASE_IMAGE, id: 'base-2', status: 'saving' });
    await look(bench);
    bench.cloud.failNext('findImage', new TransientProviderError('503'));

    await look(bench);

    expect(states(bench)).toEqual(['1 ready']);
    expect(bench.log.messages('error')).toEqual(['Looking at base images of fake-provider failed']);
  });

  test('that an earlier Nodepool made says nothing of its base image, and waits for its next build', async () => {
    const bench = await benchWithImage();
    bench.images.put(aSnapshotImage({ id: 1, externalId: 'cloud-1' }));
    replaceBase(bench, 'base-2');

    await look(bench);

    expect(states(bench)).toEqual(['1 ready']);
  });
});

test('without the key another base image changes nothing, and no cloud is asked', async () => {
  const bench = await benchWithImage({});
  replaceBase(bench, 'base-2');
  const before = bench.cloud.calls.length;

  await look(bench);

  expect(states(bench)).toEqual(['1 ready']);
  expect(bench.cloud.calls.slice(before)).toEqual([]);
});
