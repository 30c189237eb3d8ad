import { expect, test } from 'vitest';
import { aDibImage } from '../builders/a-dib-image.ts';
import { letWorkGoOn } from '../pool/pass-time.ts';
import { DibBench } from './dib-bench.ts';

test('a build of a disk image that fails is told of, with its reason', async () => {
  const bench = new DibBench();
  bench.builders.failNext('failed', 'disk-image-create ended with status 1');

  await bench.passes(2);

  const reason = 'disk-image-create ended with status 1';
  expect(bench.failures).toEqual([{ kind: 'build', image: 'dib-trusty', id: 1, failures: 1, reason }]);
});

test('an upload that fails is told of, with its provider and its build', async () => {
  const bench = new DibBench();
  bench.builds.put(aDibImage());
  bench.builders.files.add(1);
  bench.builders.failNext('failed', 'The cloud refuses it');

  await bench.passes(2);

  expect(bench.failures).toEqual([
    {
      ...{ kind: 'upload', image: 'trusty', provider: 'fake-provider', id: 1, dibImageId: 1 },
      ...{ failures: 1, reason: 'The cloud refuses it' },
    },
  ]);
});

test('a shutdown in the middle of a build is no failure', async () => {
  const bench = new DibBench();
  bench.builders.holdNext();
  await bench.startPass();
  await letWorkGoOn();

  await bench.restart();

  expect(bench.failures).toEqual([]);
  expect(bench.build().state).toBe('building');
});
