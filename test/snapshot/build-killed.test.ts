import { expect, test } from 'vitest';
import { buildSnapshot } from '../../src/snapshot/build-snapshot.ts';
import { BuildBench } from './build-bench.ts';
import { MortalLife } from './mortal.ts';

/** A build of a process that dies as `life` says. */
async function buildUntilDeath(bench: BuildBench, life: MortalLife): Promise<void> {
  const deps = bench.deps();
  const seen = { images: life.see(deps.images), cloud: life.see(deps.cloud), machines: life.see(deps.machines) };
  await buildSnapshot(bench.buildOf(await bench.insert()), { ...deps, ...seen }, life.signal).catch(() => undefined);
}

/** The calls of a build that nobody interrupts. */
async function callsOfABuild(): Promise<readonly string[]> {
  const life = new MortalLife();
  await buildUntilDeath(new BuildBench(), life);
  return life.calls;
}

test.each(['before', 'after'] as const)(
  'a daemon killed %s any of its calls leaves nothing that the next one does not put right at once, without a wait',
  async (moment) => {
    const calls = await callsOfABuild();
    expect(calls).toEqual(expect.arrayContaining(['createKeypair', 'createServer', 'open', 'run', 'createSnapshot']));

    for (const [index, call] of calls.entries()) {
      const where = `${moment} call ${index + 1}, ${call}`;
      const bench = new BuildBench();
      await buildUntilDeath(bench, new MortalLife(index + 1, moment));
      for (let pass = 0; pass < 3; pass += 1) await bench.pass();

      expect(
        bench.images.all().map(({ state, serverExternalId }) => ({ state, serverExternalId })),
        where,
      ).toEqual([{ state: 'ready', serverExternalId: undefined }]);
      expect(bench.left(), where).toEqual({ servers: 0, keypairs: [], images: [bench.row().externalId] });
      expect(await bench.images.listFailures(), where).toEqual([]);
      expect(bench.log.messages('error'), where).toEqual([]);
    }
  },
  30_000, // dozens of builds
);

test('a setup script that ran when the daemon was killed is not run again on the same machine', async () => {
  const calls = await callsOfABuild();
  const bench = new BuildBench();
  await buildUntilDeath(bench, new MortalLife(calls.lastIndexOf('run') + 1, 'after'));
  const setups = (): number => bench.machines.commands.filter((command) => command.includes('prepare.sh')).length;
  expect(setups()).toBe(1);

  for (let pass = 0; pass < 3; pass += 1) await bench.pass();

  expect(setups()).toBe(2);
  expect(new Set(bench.machines.logins.map(({ host }) => host)).size).toBe(2);
});
