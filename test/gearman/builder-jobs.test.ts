import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { BuilderWorker } from '../../src/gearman/builder-worker.ts';
import { Deferred } from '../../src/gearman/deferred.ts';
import { GearmanAdmin } from '../../src/gearman/gearman-admin.ts';
import { GearmanBuilderJobs } from '../../src/gearman/gearman-builder-jobs.ts';
import { GearmanClient } from '../../src/gearman/gearman-client.ts';
import { QueueStatusSource } from '../../src/gearman/queue-status-source.ts';
import type { BuilderOffers, BuilderWork, BuildRequest, UploadWork } from '../../src/image/builder-jobs.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';
import { type Gearmand, startGearmand } from '../peers/gearmand.ts';
import { until } from '../peers/until.ts';

vi.setConfig({ testTimeout: 30_000 }); // a real server, on a busy machine

let gearmand: Gearmand;
beforeAll(async () => {
  gearmand = await startGearmand();
});
afterAll(async () => {
  await gearmand[Symbol.asyncDispose]();
});

const UPLOAD = {
  ...{ dibImageId: 7, provider: 'p', image: 'trusty', cloudName: 'ci-trusty' },
  properties: { nodepool_upload_id: '3' },
};

test('a build, its upload and its removal go over a real server; functions come and go with the files', async () => {
  await using farm = aFarm();
  farm.worker.offerDiskImages(['trusty', 'a name with blanks']);
  farm.worker.offerFiles(3);

  const built = await farm.jobs.build({ diskimage: 'a name with blanks', dibImageId: 7 }, neverAborted);
  expect(built).toEqual({
    builder: 'b1',
    filename: '/images/7',
    formats: ['qcow2'],
    checksums: { qcow2: { md5: 'd4' } },
  });
  expect(await farm.jobs.offers(neverAborted)).toEqual({
    diskimages: new Set(['trusty', 'a name with blanks']),
    dibImageIds: new Set([7, 3]), // offered before the answer was sent
    places: new Set(),
  });

  expect(await farm.jobs.upload(UPLOAD, neverAborted)).toEqual({ externalId: 'uuid-of-7' });
  await farm.jobs.remove(7, neverAborted);
  expect((await farm.jobs.offers(neverAborted))?.dibImageIds).toEqual(new Set([3])); // else somebody would wait for more

  expect(farm.asked).toEqual([{ diskimage: 'a name with blanks', dibImageId: 7 }, UPLOAD, 7]);
  await expect(farm.jobs.remove(7, neverAborted)).rejects.toMatchObject({
    kind: 'failed',
    message: 'No builder has the files of disk image 7',
  });
});

test('disk images that leave the configuration are offered no more', async () => {
  await using farm = aFarm();
  farm.worker.offerDiskImages(['gone', 'stays']);
  await farm.untilOffered('both are offered', (_, names) => names.has('gone') && names.has('stays'));

  farm.worker.offerDiskImages(['stays', 'new']);

  await farm.untilOffered('the other one is offered', (_, names) => !names.has('gone') && names.has('new'));
});

test('a builder says where its files are, however that place is called; who asks it for that is refused', async () => {
  await using farm = aFarm();
  farm.worker.offerFiles(7);
  farm.worker.offerPlace('host:/srv/disk images\t%');
  farm.worker.offerPlace(`host:/${'long'.repeat(200)}`); // no server could carry it

  await farm.untilOffered('the place is told', (ids, _, { places }) => ids.has(7) && places.size > 0);

  expect((await farm.jobs.offers(neverAborted))?.places).toEqual(new Set(['host:/srv/disk images\t%']));
  const name = `image-files:${encodeURIComponent('host:/srv/disk images\t%')}`;
  const outcome = await farm.client.submit({ function: name, data: '', deadlineMs: 20_000 }, neverAborted);
  expect(outcome.type).toBe('failed');
});

describe('failures', () => {
  test('of a builder arrive with its reason', async () => {
    await using farm = aFarm({ build: () => Promise.reject(new Error('it ended with status 3: no é')) });
    farm.worker.offerDiskImages(['fails']);

    await expect(farm.jobs.build({ diskimage: 'fails', dibImageId: 8 }, neverAborted)).rejects.toMatchObject({
      name: 'BuilderJobError',
      kind: 'failed',
      message: 'it ended with status 3: no é',
    });
    expect((await farm.jobs.offers(neverAborted))?.dibImageIds.has(8)).toBe(false);
  });

  test.each(['{"image-id": "7/../8"}', '{"image-id": "0"}', '{}', 'no json', ''])(
    'a job with %s instead of an id is refused, for files are named by it',
    async (data) => {
      await using farm = aFarm();
      farm.worker.offerDiskImages(['odd']);

      const outcome = await farm.client.submit({ function: 'image-build:odd', data, deadlineMs: 20_000 }, neverAborted);

      expect(outcome.type).toBe('failed');
      expect(farm.asked).toEqual([]);
    },
  );

  test('no server takes the job', async () => {
    await using farm = aFarm({}, { host: '127.0.0.1', port: 1 });

    await expect(farm.jobs.build({ diskimage: 'any', dibImageId: 9 }, neverAborted)).rejects.toMatchObject({
      kind: 'lost',
    });
    expect(await farm.jobs.offers(neverAborted)).toBeUndefined();
  });

  test('the server is lost: the daemon hears of it, and the builder stops what nobody waits for', async () => {
    const server = await startGearmand();
    const begun = new Deferred<undefined>();
    const stopped = new Deferred<undefined>();
    const build = async (_: BuildRequest, signal: AbortSignal): Promise<never> => {
      begun.resolve(undefined);
      await untilAborted(signal);
      stopped.resolve(undefined);
      throw signal.reason;
    };
    await using farm = aFarm({ build }, server);
    farm.worker.offerDiskImages(['long']);
    const lost = expect(farm.jobs.build({ diskimage: 'long', dibImageId: 9 }, neverAborted)).rejects.toMatchObject({
      kind: 'lost',
    });
    await begun.promise;

    await server.kill();

    await lost;
    await stopped.promise;
  });
});

test("a daemon of upstream's, which sends neither name nor properties, is served too", async () => {
  await using farm = aFarm();
  farm.worker.offerFiles(11);
  const data = '{"image-name": "trusty", "provider": "p"}';

  const job = { function: 'image-upload:11', data, deadlineMs: 20_000 };
  const uploaded = await farm.client.submit(job, neverAborted);
  const removed = await farm.client.submit(
    { function: 'image-delete:11', data: '""', deadlineMs: 20_000 },
    neverAborted,
  );

  expect(uploaded).toMatchObject({ type: 'completed', result: Buffer.from('{"external-id":"uuid-of-11"}') });
  expect(removed).toMatchObject({ type: 'completed', result: Buffer.from('') });
  expect(farm.asked).toEqual([{ dibImageId: 11, provider: 'p', image: 'trusty' }, 11]);
});

test('each worker has a connection that bears the name which operators know', async () => {
  await using farm = aFarm();
  farm.worker.offerDiskImages(['named']);
  const admin = new GearmanAdmin(gearmand, { clock: systemClock });
  const names = async (): Promise<readonly string[]> =>
    (await admin.workers(neverAborted)).rows.map(({ clientId }) => clientId).filter((id) => id.startsWith('Nodepool'));

  await until('all are there', async () => (await names()).length === 3);

  expect([...(await names())].sort()).toEqual([
    'Nodepool Builder Build Worker 1',
    'Nodepool Builder Upload Worker 1',
    'Nodepool Builder Upload Worker 2',
  ]);
  admin.close();
});

type Holds = (ids: ReadonlySet<number>, names: ReadonlySet<string>, offers: BuilderOffers) => boolean;

function aFarm(work: Partial<BuilderWork> = {}, server: { readonly host: string; readonly port: number } = gearmand) {
  const asked: (BuildRequest | UploadWork | number)[] = [];
  const deps = {
    ...{
      clock: systemClock,
      randomness: systemRandomness,
      log: new RecordingLogger(),
      tasks: new TaskBoard(systemClock),
    },
    work: {
      build: (request: BuildRequest) => {
        asked.push(request);
        const filename = `/images/${request.dibImageId}`;
        return Promise.resolve({ builder: 'b1', filename, formats: ['qcow2'], checksums: { qcow2: { md5: 'd4' } } });
      },
      upload: (request: UploadWork) => {
        asked.push(request);
        return Promise.resolve({ externalId: `uuid-of-${request.dibImageId}` });
      },
      remove: (id: number) => {
        asked.push(id);
        return Promise.resolve();
      },
      ...work,
    },
  };
  const client = new GearmanClient({ servers: [server], clientId: 'nodepool' }, deps);
  const queueStatus = new QueueStatusSource([server], deps);
  const jobs = new GearmanBuilderJobs({ client, queueStatus, clock: systemClock });
  const worker = new BuilderWorker({ servers: [server], buildWorkers: 1, uploadWorkers: 2 }, deps);
  return {
    asked,
    client,
    jobs,
    worker,
    untilOffered: async (what: string, holds: Holds) => {
      await until(what, async () => {
        const offers = await jobs.offers(neverAborted);
        return offers !== undefined && holds(offers.dibImageIds, offers.diskimages, offers);
      });
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([client.close(), worker.close()]);
      queueStatus.close();
    },
  };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
