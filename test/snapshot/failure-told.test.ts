import { expect, test } from 'vitest';
import { BuildBench } from './build-bench.ts';

function failingBench(): BuildBench {
  const bench = new BuildBench();
  bench.machines.run = (command) =>
    command.includes('prepare.sh') ? { status: 7, signal: undefined, tail: 'E: no mirror\n' } : undefined;
  return bench;
}

test('each build that fails is told of, with its reason and how many failed in a row', async () => {
  const bench = failingBench();

  await bench.pass();
  await bench.pass();
  await bench.clock.sleep(30_000);
  await bench.pass();

  const what = { kind: 'snapshot', image: 'trusty', provider: 'fake-provider' };
  const reason = 'The setup script prepare.sh ended with status 7: E: no mirror';
  expect(bench.failures).toEqual([
    { ...what, id: 1, failures: 1, reason },
    { ...what, id: 2, failures: 2, reason },
  ]);
});

test('a shutdown in the middle of a build is no failure', async () => {
  const bench = new BuildBench();
  const running = bench.machines.hangAt('prepare.sh');
  await bench.startPass();
  await running;

  bench.stop.abort(new Error('The daemon stops'));
  await bench.work.settled();

  expect(bench.failures).toEqual([]);
});

test('a build that an operator deletes is no failure', async () => {
  const bench = new BuildBench();
  const running = bench.machines.hangAt('prepare.sh');
  await bench.startPass();
  await running;

  await bench.images.apply(bench.row(), 'deleted', { who: 'cli:ada', why: 'Enough' });
  bench.asksForMissing = false;
  await bench.pass();

  expect(bench.images.all()).toEqual([]);
  expect(bench.failures).toEqual([]);
});
