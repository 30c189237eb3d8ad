import { afterAll, beforeAll, expect, test } from 'vitest';
import { NOTHING } from './cloud-desk.ts';
import { CROWD_MS, REAL, RealFarm } from './real-farm.ts';

const NODES = 20;
const JOBS = 4;
const PASS_S = 10;

// One farm for all, in turn: what one test leaves, the next one begins with.
let real: RealFarm;

beforeAll(async () => {
  real = await RealFarm.start();
}, CROWD_MS);

afterAll(() => real[Symbol.asyncDispose](), CROWD_MS);

test(
  `a snapshot image is built on a real cloud, and ${NODES} nodes of it become ready, each reached at its own address`,
  async () => {
    await real.startDaemon({ label: { 'min-ready': NODES } });

    const nodes = await real.untilReady(NODES);
    const cloud = await real.untilTidy();

    const images = await real.farm.database.images.list({ provider: REAL });
    const readyRuns = await Promise.all(nodes.map(({ ip = '' }) => real.machines.run(ip, 'cat /tmp/ready-runs')));
    expect(images).toMatchObject([{ state: 'ready', hostname: cloud.images[0] }]);
    expect(cloud).toMatchObject({ images: { length: 1 }, keypairs: [], floatingIps: [] });
    expect(readyRuns).toEqual(nodes.map(({ hostname }) => hostname));
  },
  CROWD_MS,
);

test(
  'jobs run on some of them, and who takes their place is given a floating address of the real cloud',
  async () => {
    await real.reconfigure({ label: { 'min-ready': NODES }, provider: { cloud: 'outer', pool: 'public' } });

    const jobs = Array.from({ length: JOBS }, () => real.farm.submitJob());
    const used = await real.farm.untilNodes(JOBS, 'used');
    await real.finishJobs(used);
    const ends = await Promise.all(jobs);
    for (const node of used) await real.farm.untilNode(node, 'gone');
    const nodes = await real.untilReady(NODES);
    const cloud = await real.untilTidy();

    expect(ends.map(({ result }) => result)).toEqual(Array(JOBS).fill('SUCCESS'));
    expect(ends.map(({ nodename }) => nodename).sort()).toEqual(used.map(({ nodename }) => nodename).sort());
    expect(cloud.floatingIps).toHaveLength(JOBS);
    expect(nodes.filter(({ ip = '' }) => cloud.floatingIps.includes(ip))).toHaveLength(JOBS);
    expect(cloud.floatingIps.filter((ip) => !real.machines.addresses.has(ip))).toEqual([]);
  },
  CROWD_MS,
);

test(
  'when all is removed, the cloud`s administrator finds no server, port, keypair, floating address or image of ours',
  async ({ annotate }) => {
    await real.removeAll();

    await annotate(`the longest pass of a loop took ${real.longestPassS()} s`);
    expect(await real.desk.inventory()).toEqual(NOTHING);
    expect(real.daemon.lines.filter((line) => line.includes(' ERROR '))).toEqual([]);
    expect(real.longestPassS()).toBeLessThan(PASS_S);
  },
  CROWD_MS,
);
