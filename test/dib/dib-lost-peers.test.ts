import { describe, expect, test } from 'vitest';
import { DatabaseUnavailableError } from '../../src/runtime/errors.ts';
import { aDibImage } from '../builders/a-dib-image.ts';
import { DibBench } from './dib-bench.ts';

/** The bench's store fails once, where a builder's answer is to be stored. */
function loseOnce<Row>(store: { find: (id: number) => Promise<Row | undefined> }): void {
  const find = store.find.bind(store);
  store.find = async () => {
    store.find = find;
    return await Promise.reject(new DatabaseUnavailableError('The database is away'));
  };
}

describe('a Gearman server that is lost while a builder works', () => {
  test('is asked for the same build again: the row stays, and no failure is told', async () => {
    const bench = new DibBench();
    bench.builders.failNext('lost', 'Lost the Gearman server');

    await bench.pass();

    expect(bench.build()).toMatchObject({ id: 1, state: 'ready' });
    expect(bench.builders.begun).toEqual(['build 1', 'build 1']);
    expect(await bench.builds.listFailures()).toEqual([]);
    expect(bench.log.messages('warn')).toContain('Lost the Gearman server; it is asked for again');
  });

  test('is asked for the same upload again', async () => {
    const bench = new DibBench();
    bench.builds.put(aDibImage());
    bench.builders.files.add(1);
    bench.builders.failNext('lost', 'Lost the Gearman server');

    await bench.pass();

    expect(bench.upload()).toMatchObject({ id: 1, state: 'ready' });
    expect(bench.left()).toEqual([bench.upload().externalId]);
    expect(await bench.images.listFailures()).toEqual([]);
  });

  test('is not asked before a builder is back there', async () => {
    const bench = new DibBench();
    bench.builders.failNext('lost', 'Lost the Gearman server');
    const sleep = bench.clock.sleep.bind(bench.clock);
    let sleeps = 0;
    bench.clock.sleep = async (ms, signal) => {
      if (ms < 60_000) {
        sleeps += 1;
        bench.builders.isReachable = sleeps > 3;
        expect(bench.builders.begun).toEqual(['build 1']);
      }
      await sleep(ms, signal);
    };

    await bench.pass();

    expect(bench.build().state).toBe('ready');
    expect(sleeps).toBe(4);
  });

  test('again and again ends the build at the sixth time', async () => {
    const bench = new DibBench();
    for (let time = 0; time < 6; time += 1) bench.builders.failNext('lost', 'Lost the Gearman server');

    await bench.pass();

    expect(bench.builders.begun).toHaveLength(6);
    expect(bench.build()).toMatchObject({ state: 'delete', lastError: 'Lost the Gearman server' });
  });
});

describe('a database that is away when a builder answers', () => {
  test('costs no build: a later pass asks for the same one, whose files are there', async () => {
    const bench = new DibBench();
    const build = bench.builders.build.bind(bench.builders);
    bench.builders.build = async (request, signal) => {
      const answer = await build(request, signal);
      if (bench.builders.begun.length === 1) loseOnce(bench.builds);
      return answer;
    };

    await bench.pass();
    expect(bench.build()).toMatchObject({ id: 1, state: 'building' });
    await bench.pass();

    expect(bench.build()).toMatchObject({ id: 1, state: 'ready' });
    expect(await bench.builds.listFailures()).toEqual([]);
  });

  test('costs no upload either', async () => {
    const bench = new DibBench();
    bench.builds.put(aDibImage());
    bench.builders.files.add(1);
    const upload = bench.builders.upload.bind(bench.builders);
    bench.builders.upload = async (request, signal) => {
      const answer = await upload(request, signal);
      if (bench.builders.begun.length === 1) loseOnce(bench.images);
      return answer;
    };

    await bench.pass();
    expect(bench.upload()).toMatchObject({ id: 1, state: 'building' });
    await bench.pass();

    expect(bench.upload()).toMatchObject({ id: 1, state: 'ready' });
    expect(bench.left()).toEqual([bench.upload().externalId]);
    expect(await bench.images.listFailures()).toEqual([]);
  });
});
