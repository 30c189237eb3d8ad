import { expect, test } from 'vitest';
import { NOTHING } from './cloud-desk.ts';
import { RealFarm } from './real-farm.ts';

/** Guests are emulated: half a minute for each boot. */
const GUESTS_MS = 480_000;
const NODES = 2;

test(
  'guests of a real cloud: an image is built in one by its setup script, two boot from it, jobs run on both, all goes',
  async () => {
    await using real = await RealFarm.start('guests');
    const { farm } = real;
    await real.startDaemon({ label: { 'min-ready': NODES } });

    const nodes = await real.untilReady(NODES);
    const readyRuns = await Promise.all(nodes.map((node) => farm.onMachine(node, 'cat /tmp/ready-runs')));
    const roles = await Promise.all(nodes.map((node) => farm.onMachine(node, 'cat /etc/nodepool/role; hostname')));
    const built = await real.untilTidy();
    await real.reconfigure({ label: { 'min-ready': NODES }, provider: { 'max-servers': 0 } });
    const jobs = nodes.map(() => farm.submitJob());
    const used = await farm.untilNodes(NODES, 'used');
    await Promise.all(used.map((node) => farm.finishJob(node)));
    const ends = await Promise.all(jobs);
    for (const node of used) await farm.untilNode(node, 'gone');
    await real.removeAll();

    const hostnames = nodes.map(({ hostname }) => hostname);
    expect(readyRuns).toEqual(hostnames);
    expect(roles).toEqual(hostnames.map((hostname) => `primary\n${hostname}`));
    expect(built).toMatchObject({ images: { length: 1 }, keypairs: [] });
    expect(ends.map(({ result }) => result)).toEqual(Array(NODES).fill('SUCCESS'));
    expect(ends.map(({ nodename }) => nodename).sort()).toEqual(used.map(({ nodename }) => nodename).sort());
    expect(await real.desk.inventory()).toEqual(NOTHING);
    expect(real.daemon.lines.filter((line) => line.includes(' ERROR '))).toEqual([]);
  },
  GUESTS_MS,
);
