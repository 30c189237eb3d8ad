import { lessThan, type Measurement, noted, type Size, type Topic } from './measurement.ts';
import { percentile } from './percentile.ts';
import type { BenchDaemon } from './rig/bench-daemon.ts';
import { BenchFarm } from './rig/bench-farm.ts';
import { BenchFolder } from './rig/bench-folder.ts';
import { ChildProgram } from './rig/child-program.ts';
import type { JenkinsOptions } from './rig/jenkins-process.ts';
import type { EventOrder, SentEvents } from './rig/publisher-process.ts';
import { costOf } from './rig/stopwatch.ts';

const NODES: Readonly<Record<Size, number>> = { full: 1000, tiny: 10 };
const EVENTS_PER_SECOND = 100;

export const DELETIONS: Topic = {
  name: 'deletions',
  about: 'onFinalized leaves Jenkins → the DELETE reaches the cloud; 1,000 nodes, 100 ends a second, agents offline',
  run: async (size, signal) => {
    using folder = new BenchFolder();
    const options: JenkinsOptions = { stateDir: folder.in('jenkins') };
    await using jenkins = await ChildProgram.start<string>('jenkins-process', { options }, signal);
    await using publisher = await ChildProgram.start<string>('publisher-process', { options: {} }, signal);
    const peers = { jenkinsUrls: [jenkins.ready], zmqEndpoint: publisher.ready };
    await using farm = await BenchFarm.open(peers, folder, signal);
    const subscribed = publisher.ask('untilSubscribed');
    await using daemon = farm.startDaemon();
    await subscribed;
    await useNodes({ farm, daemon, publisher }, NODES[size], signal);
    return await measureDeletions(farm, publisher, signal);
  },
};

type Parts = { readonly farm: BenchFarm; readonly daemon: BenchDaemon; readonly publisher: ChildProgram<string> };

/** Launches nodes, has a job start on each, and switches their agents off as the gearman plugin does at a job's end. */
async function useNodes({ farm, daemon, publisher }: Parts, count: number, signal: AbortSignal): Promise<void> {
  farm.demand(daemon, count);
  await farm.db.untilAll('ready', count, signal);
  await farm.db.untilRegistered(count, signal);
  farm.demand(daemon, 0); // launches would be a load of their own
  const nodenames = await serverNames(farm);
  const order: EventOrder = { topics: ['onStarted'], nodenames: [...nodenames.values()] };
  await publisher.ask<SentEvents>('send', order);
  await farm.db.untilAll('used', count, signal);
  const agents = daemon.daemon.parts.clients.agentsOf('target-1');
  if (agents === undefined) throw new Error('The target has no Jenkins');
  // Another reason than the plugin's: reconciliation must not be faster than the event.
  await Promise.all([...nodenames.values()].map((nodename) => agents.setOffline(nodename, 'Measured', signal)));
}

async function measureDeletions(
  farm: BenchFarm,
  publisher: ChildProgram<string>,
  signal: AbortSignal,
): Promise<readonly Measurement[]> {
  const nodenames = await serverNames(farm);
  const order: EventOrder = {
    topics: ['onFinalized'],
    nodenames: [...nodenames.values()],
    perSecond: EVENTS_PER_SECOND,
  };
  let sent: SentEvents = {};
  const { cpuMs } = await costOf(async () => {
    sent = await publisher.ask<SentEvents>('send', order);
    await farm.db.untilAll('ready', 0, signal);
  });
  const calls = await farm.serverCalls();
  const firstDeletes = new Map<string, number>();
  for (const { method, path, atMs } of calls) {
    const server = path.split('/').at(-1) ?? '';
    if (method === 'DELETE' && !firstDeletes.has(server)) firstDeletes.set(server, atMs);
  }
  const tookMs = [...nodenames].map(
    ([server, nodename]) => (firstDeletes.get(server) ?? NaN) - (sent[nodename] ?? NaN),
  );
  if (tookMs.some((ms) => !(ms > 0))) throw new Error('Some servers were not deleted after their event');
  return [
    noted({ what: 'event → DELETE, p50', value: percentile(tookMs, 0.5), unit: 'ms' }),
    lessThan(50, { what: 'event → DELETE, p99', value: percentile(tookMs, 0.99), unit: 'ms' }),
    noted({ what: '  slowest', value: Math.max(...tookMs), unit: 'ms' }),
    noted({ what: '  CPU of the daemon for each, event → row gone', value: cpuMs / tookMs.length, unit: 'ms' }),
  ];
}

/** Server → nodename of every node. */
async function serverNames(farm: BenchFarm): Promise<ReadonlyMap<string, string>> {
  const rows = await farm.db.query<{ server: string; nodename: string }>(
    'select external_id as server, nodename from node order by id',
  );
  return new Map(rows.map(({ server, nodename }) => [server, nodename]));
}
