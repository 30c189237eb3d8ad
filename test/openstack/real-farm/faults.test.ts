import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../../src/runtime/clock.ts';
import { NOTHING } from './cloud-desk.ts';
import { killService, startServices } from './cloud-services.ts';
import { CROWD_MS, REAL, RealFarm } from './real-farm.ts';

const NODES = 4;
const MORE_NODES = 8;
const PASS_S = 10;
/** Of the project, for the test of it: less than max-servers. */
const QUOTA = 12;
const FOREIGN = 3;
const JOBS = 50;
/** Within so long launches are to go on when somebody makes room. */
const RESUMED_MS = 60_000;

// One farm for all, in turn: what one test leaves, the next one begins with.
let real: RealFarm;

beforeAll(async () => {
  real = await RealFarm.start();
}, CROWD_MS);

afterAll(() => real[Symbol.asyncDispose](), CROWD_MS);

test(
  'Keystone is away when the daemon starts: the other provider serves, the reason is told, and all comes when it is back',
  async () => {
    await killService('keystone');

    await real.startDaemon({ label: { 'min-ready': NODES }, hasOther: true });
    await real.untilOther();
    const complaint = await real.daemon.logged(/WARNING .* Cannot log in to provider "real"/);
    await startServices();
    await real.untilReady(NODES);
    await real.untilTidy();

    expect(complaint).toContain(`Cannot connect to "${new URL(real.desk.real.origins.identity).host}"`);
  },
  CROWD_MS,
);

test(
  'one server in five ends in ERROR: others take their place, and the cloud`s own reason is told',
  async () => {
    const message = 'the disk of this host is full';
    await real.desk.setFaults({ spawn: { fail_probability: 0.2, fail_next: 1, message } });

    const since = real.daemon.mark();
    await real.reconfigure({ label: { 'min-ready': MORE_NODES }, hasOther: true });
    const complaint = await real.daemon.logged(new RegExp(message), since);
    await real.untilReady(MORE_NODES);
    await real.desk.setFaults({});
    await real.untilTidy();

    const id = Number(/node[ =](?:id: )?(\d+)/.exec(complaint)?.[1]);
    expect((await real.farm.historyOf({ id })).join('\n')).toContain(message);
  },
  CROWD_MS,
);

test(
  'Nova dies: what is to be deleted and launched waits, the other provider goes on, and nothing is lost when it is back',
  async () => {
    const [doomed] = await real.untilReady(MORE_NODES);
    if (doomed === undefined) throw new Error('There are nodes');
    const since = real.daemon.mark();
    await killService('nova-api');

    await real.farm.nodepool('delete', String(doomed.id));
    for (let round = 0; round < 2; round += 1) {
      const other = await real.untilOther();
      await real.farm.nodepool('delete', String(other.id));
      await real.untilOther(other);
    }
    const complaint = await real.daemon.logged(/(WARNING|ERROR) .*ECONNREFUSED/, since);
    const waiting = await real.farm.database.nodes.find(doomed.id);
    await startServices();
    await real.farm.untilNode(doomed, 'gone');
    await real.untilReady(MORE_NODES);
    await real.untilTidy();

    expect(complaint).toContain(new URL(real.desk.real.origins.compute).host);
    expect(waiting).toMatchObject({ state: 'delete' });
  },
  CROWD_MS,
);

/** Gives what it says then. */
async function untilInfoSays(quota: RegExp): Promise<string> {
  return await real.farm.until(`info to say ${quota.source}`, async () => {
    const { stdout } = await real.farm.nodepool('info', REAL);
    return quota.test(stdout) ? stdout : undefined;
  });
}

test(
  `a quota of ${QUOTA} of which others take ${FOREIGN}, max-servers 20 and ${JOBS} jobs: the room is filled and not asked for more`,
  async ({ annotate }) => {
    const removeForeign = await real.desk.makeForeignServers(FOREIGN);
    await real.desk.allowServers(QUOTA);
    // Else jobs that come in the seconds after an administrator lowered the quota are launched by what it was.
    await untilInfoSays(/instances +[|] +\d+ +[|] 12 /);
    const before = real.desk.novaAnswers();

    const jobs = Promise.allSettled(Array.from({ length: JOBS }, () => real.farm.submitJob()));
    await real.farm.untilNodes(QUOTA - FOREIGN, 'used');
    const told = await untilInfoSays(/instances +[|] 12 +[|] 12 /);
    await removeForeign();
    const freedMs = systemClock.monotonicMs();
    await real.farm.untilNodes(QUOTA, 'used');
    const resumedMs = systemClock.monotonicMs() - freedMs;
    const after = real.desk.novaAnswers();

    await real.farm.killGearmand(); // and with it the demand
    await real.finishJobs(await real.farm.database.nodes.list({ provider: REAL, states: ['used'] }));
    await jobs;
    await real.farm.restartGearmand();
    const [calls, refused] = [after.all - before.all, after.refused - before.refused];
    await annotate(
      `403: ${refused} of ${calls} calls; full again ${Math.round(resumedMs / 1000)} s after there was room`,
    );
    expect(told).toContain('instances');
    expect(resumedMs).toBeLessThan(RESUMED_MS);
    expect(refused / calls).toBeLessThanOrEqual(0.01);
  },
  CROWD_MS,
);

test(
  'the image is deleted while a server is made of it: another one is built, and the farm is full again',
  async () => {
    await real.desk.allowServers();
    const [first, second] = await real.untilReady(MORE_NODES);
    const [lost] = await real.farm.database.images.list({ provider: REAL, states: ['ready'] });
    await real.desk.setFaults({ spawn: { delay: 4 } });
    const since = real.daemon.mark();

    await real.farm.nodepool('delete', String(first?.id));
    await real.farm.until('a launch under way', async () => {
      const building = await real.farm.database.nodes.list({ provider: REAL, states: ['building'] });
      return building.some(({ externalId }) => externalId !== undefined) ? true : undefined;
    });
    await real.desk.deleteImage(lost?.externalId ?? '');
    await real.farm.nodepool('delete', String(second?.id));
    await real.daemon.logged(/Image unit-image .* is gone from real/, since);
    await real.desk.setFaults({});
    await real.untilReady(MORE_NODES);
    const cloud = await real.untilTidy();

    const [built] = await real.farm.database.images.list({ provider: REAL, states: ['ready'] });
    expect(built?.id).not.toBe(lost?.id);
    expect(cloud.images).toEqual([built?.hostname]);
  },
  CROWD_MS,
);

test(
  'after all of this nothing is left behind in the cloud, and no loop`s pass ever took ten seconds',
  async ({ annotate }) => {
    await real.removeAll();

    await annotate(`the longest pass of a loop took ${real.longestPassS()} s`);
    expect(await real.desk.inventory()).toEqual(NOTHING);
    expect(real.longestPassS()).toBeLessThan(PASS_S);
  },
  CROWD_MS,
);
