import { describe, expect, test } from 'vitest';
import {
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../../src/provider/errors.ts';
import type { CommandScript } from '../fakes/scripted-machines.ts';
import { BuildBench } from './build-bench.ts';

const quota = new QuotaExceededError('fake-provider', 'Quota exceeded for instances');
const refused = new RequestRefusedError('Policy does not allow it');

function failing(part: string, status: number | undefined): CommandScript {
  return (command) => {
    if (!command.includes(part)) return undefined;
    return { status, signal: status === undefined ? 'KILL' : undefined, tail: 'E: no space left\n' };
  };
}

type Case = { readonly at: string; readonly spoil: (bench: BuildBench) => void; readonly why: RegExp };

const CASES: readonly Case[] = [
  {
    at: 'base image',
    spoil: (bench) => {
      bench.cloud.images.delete('base-id');
    },
    why: /There is no image "base" in fake-provider/,
  },
  {
    at: 'create call: no room',
    spoil: (bench) => {
      bench.cloud.failNext('createServer', quota);
    },
    why: /Quota exceeded/,
  },
  {
    at: 'create call: refused',
    spoil: (bench) => {
      bench.cloud.failNext('createServer', refused);
    },
    why: /Policy does not allow it/,
  },
  {
    at: 'boot',
    spoil: (bench) => {
      bench.cloud.failNextBoot('No valid host');
    },
    why: /is in ERROR: No valid host/,
  },
  {
    at: 'ssh',
    spoil: (bench) => {
      bench.machines.users = [];
    },
    why: /All users were refused/,
  },
  {
    at: 'folder',
    spoil: (bench) => {
      bench.machines.run = failing('mkdir', 1);
    },
    why: /mkdir.*ended with status 1: E: no space left/,
  },
  {
    at: 'setup script',
    spoil: (bench) => {
      bench.machines.run = failing('prepare.sh', 7);
    },
    why: /setup script prepare.sh ended with status 7: E: no space left/,
  },
  {
    at: 'setup script: killed',
    spoil: (bench) => {
      bench.machines.run = failing('prepare.sh', undefined);
    },
    why: /setup script prepare.sh ended with signal KILL/,
  },
  {
    at: 'snapshot call',
    spoil: (bench) => {
      bench.cloud.failNext('createSnapshot', refused);
    },
    why: /Policy does not allow it/,
  },
  {
    at: 'snapshot',
    spoil: (bench) => {
      bench.cloud.failNextSnapshot();
    },
    why: /The snapshot failed in the cloud: its image is gone/,
  },
];

describe('a build that fails', () => {
  test.each(CASES)('at its $at leaves nothing behind and says why', async ({ spoil, why }) => {
    const bench = new BuildBench();
    await bench.insert();
    spoil(bench);

    await bench.pass();

    expect(bench.row()).toMatchObject({ state: 'delete', lastError: expect.stringMatching(why) as string });
    expect(await bench.images.listFailures()).toMatchObject([
      { provider: 'fake-provider', image: 'trusty', failures: 1, lastError: expect.stringMatching(why) as string },
    ]);
    expect(bench.log.messages('error').at(-1)).toMatch(why);
    expect(bench.updated).toEqual([]);

    await bench.pass();

    expect(bench.images.all()).toEqual([]);
    expect(bench.left()).toEqual({ servers: 0, keypairs: [], images: [] });
  });

  test('is tried again after a wait that grows, and forgotten after a success', async () => {
    const bench = new BuildBench();
    bench.machines.run = failing('prepare.sh', 1);
    const waits: number[] = [];
    for (let failures = 1; failures <= 3; failures += 1) {
      await bench.pass();
      await bench.pass(); // removes what it left
      const [failure] = await bench.images.listFailures();
      const waitMs = (failure?.retryAt.getTime() ?? 0) - (failure?.failedAt.getTime() ?? 0);
      waits.push(waitMs);
      await bench.pass(); // too early
      expect(bench.images.all()).toEqual([]);
      for (let ms = 0; ms < waitMs; ms += 30_000) await bench.clock.sleep(30_000);
    }
    bench.machines.run = () => undefined;
    await bench.pass();

    expect(waits).toEqual([30_000, 60_000, 120_000]);
    expect(bench.row().state).toBe('ready');
    expect(await bench.images.listFailures()).toEqual([]);
  });
});

test('a cloud that neither takes a keypair nor gives a password is a failure at once, not after a wait for ssh', async () => {
  const bench = new BuildBench();
  bench.cloud.failNext('createKeypair', refused);
  const { cloud } = bench;
  const create = cloud.createServer.bind(cloud);
  cloud.createServer = async (spec, signal) => ({ id: (await create(spec, signal)).id });

  await expect(bench.build(await bench.insert())).rejects.toThrow(/Nobody can log in/);
});

test('a create call whose answer is lost makes one server, which is used', async () => {
  const bench = new BuildBench();
  bench.cloud.loseNextAnswer('createServer');

  await bench.build(await bench.insert());

  expect(bench.cloud.calls.filter((call) => call === 'createServer')).toHaveLength(1);
  expect(bench.row().state).toBe('ready');
  expect(bench.left().servers).toBe(0);
});

test('a snapshot call whose answer is lost makes one image, which is used', async () => {
  const bench = new BuildBench();
  bench.cloud.loseNextAnswer('createSnapshot');

  await bench.build(await bench.insert());

  expect(bench.cloud.calls.filter((call) => call === 'createSnapshot')).toHaveLength(1);
  expect(bench.left().images).toEqual([bench.row().externalId]);
});

test('an image whose snapshot call was never answered is found by its properties and deleted with the row', async () => {
  const bench = new BuildBench();
  const { cloud } = bench;
  const create = cloud.createSnapshot.bind(cloud);
  cloud.createSnapshot = async (...call) => {
    await create(...call);
    cloud.failNext('listImages', refused); // nor can it be looked for
    throw new UnknownOutcomeError('The answer is lost');
  };
  await bench.insert();

  await bench.pass();
  expect(bench.left().images).toHaveLength(1);
  await bench.pass();

  expect(bench.left()).toEqual({ servers: 0, keypairs: [], images: [] });
  expect(bench.images.all()).toEqual([]);
});

test('a setup that succeeded is not thrown away because the cloud fails for a while', async () => {
  const bench = new BuildBench();
  bench.cloud.failNext('createSnapshot', new TransientProviderError('503'), 3);
  const { cloud } = bench;
  const find = cloud.findImage.bind(cloud);
  let answers = 0;
  cloud.findImage = async (id, signal) => {
    answers += 1;
    if (answers > 1 && answers < 5) throw new TransientProviderError('503');
    return await find(id, signal);
  };

  await bench.build(await bench.insert());

  expect(bench.row().state).toBe('ready');
});

test('a list that misses the build server for once is no reason to give it up', async () => {
  const bench = new BuildBench({ cloud: { bootTakesPolls: 3 } });
  const { cloud } = bench;
  const list = cloud.nextServerList.bind(cloud);
  let lists = 0;
  cloud.nextServerList = async (signal) => {
    lists += 1;
    const servers = await list(signal);
    return lists === 2 ? [] : servers;
  };

  await bench.build(await bench.insert());

  expect(bench.row().state).toBe('ready');
  expect(bench.left().servers).toBe(0);
});
