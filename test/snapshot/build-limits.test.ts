import { expect, test } from 'vitest';
import { saveImage } from '../../src/snapshot/save-image.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { Deferred } from '../../src/gearman/deferred.ts';
import { aLabelSection, anImageSection, aProviderSection, configOf } from '../builders/config-of.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { letWorkGoOn } from '../pool/pass-time.ts';
import { BuildBench } from './build-bench.ts';

const HOUR_MS = 3_600_000;
const OK = { status: 0, signal: undefined, tail: '' };

test('a setup script has six hours, what goes before it five minutes', async () => {
  const bench = new BuildBench();
  const limits: number[] = [];
  bench.machines.run = (_command, { timeoutMs }) => {
    limits.push(timeoutMs);
    return undefined;
  };

  await bench.build(await bench.insert());

  expect(limits).toEqual([300_000, 300_000, 6 * HOUR_MS]);
});

test('a setup script that takes longer is a failed build that says so, and leaves nothing behind', async () => {
  const bench = new BuildBench();
  bench.machines.run = (command, { name, timeoutMs }) => {
    if (command.includes('prepare.sh')) throw new DeadlineExceededError(name, timeoutMs);
    return undefined;
  };
  await bench.insert();

  await bench.pass();
  await bench.pass();

  expect(await bench.images.listFailures()).toMatchObject([
    { failures: 1, lastError: 'Timeout waiting for setup script prepare.sh (21600 s)' },
  ]);
  expect(bench.images.all()).toEqual([]);
  expect(bench.left()).toEqual({ servers: 0, keypairs: [], images: [] });
});

test('an image that does not become active within six hours is given up', async () => {
  const bench = new BuildBench({ cloud: { servers: ['srv'], snapshotTakesPolls: 1_000_000 } });
  const inserted = await bench.insert();
  const row = await bench.images.record(inserted.id, { step: 'setup', serverExternalId: 'srv', hostname: 'template' });
  const clock = new FakeClock();
  const saved = saveImage(
    { ...bench.buildOf(inserted), row: row ?? inserted },
    { ...bench.deps(), clock },
    neverAborted,
  );
  let end: unknown;
  saved.catch((error: unknown) => (end = error));

  await clock.untilSleeping(2); // the deadline and the first poll
  await clock.advance(6 * HOUR_MS - 1);
  expect(end).toBeUndefined();
  await clock.advance(1);

  await expect(saved).rejects.toThrow(/^Timeout waiting for image \S+ to become active [(]21600 s[)]$/);
}, 30_000);

test('the reason of a failed build is in the history of its image, for good', async () => {
  const bench = new BuildBench();
  bench.machines.run = (command) =>
    command.includes('prepare.sh') ? { status: 7, signal: undefined, tail: 'E: no space left\n' } : undefined;
  await bench.insert();

  await bench.pass();
  await bench.pass();

  const events = (await bench.images.history.list('image', 1)).filter(({ event }) => event !== 'recorded');
  expect(events).toMatchObject([
    { event: 'inserted', who: 'test' },
    { event: 'failed', why: 'The setup script prepare.sh ended with status 7: E: no space left', who: 'image-builder' },
    { event: 'removed', who: 'image-deleter' },
  ]);
});

test('a build that waited for its turn looks at its row again: another process may have ended it', async () => {
  const bench = new BuildBench();
  await bench.insert();
  await bench.images.record(1, { step: 'setup' });
  const list = bench.images.list.bind(bench.images);
  let lists = 0;
  bench.images.list = async (filter) => {
    const rows = await list(filter);
    lists += 1;
    const [row] = rows;
    if (lists === 1 && row !== undefined) await bench.images.apply(row, 'deleted', { who: 'cli:me', why: 'Enough' });
    return rows; // as they were before
  };
  bench.asksForMissing = false;

  await bench.pass();

  expect(bench.images.all()).toMatchObject([{ id: 1, state: 'delete' }]);
});

test('builds in one provider are bounded: the 201st waits for its turn, and gets it', async () => {
  const names = Array.from({ length: 201 }, (_, index) => `image-${index}`);
  const images = names.map((name) => anImageSection({ name }));
  const labels = names.map((name) => aLabelSection({ name, image: name }));
  const bench = new BuildBench({ config: configOf({ labels, providers: [aProviderSection({ images })] }) });
  let running = 0;
  let most = 0;
  const turn = new Deferred<undefined>();
  bench.machines.run = async (command) => {
    if (!command.includes('prepare.sh')) return OK;
    running += 1;
    most = Math.max(most, running);
    if (running === 200) {
      await letWorkGoOn(); // time for one too many to begin
      turn.resolve(undefined);
    }
    await turn.promise;
    running -= 1;
    return OK;
  };

  await bench.pass();

  expect(most).toBe(200);
  expect(bench.images.all().map(({ state }) => state)).toEqual(Array(201).fill('ready'));
});
