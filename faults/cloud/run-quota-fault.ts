import { CloudFaultFarm } from './cloud-fault-farm.ts';
import { findCloudLeftovers } from './cloud-leftovers.ts';
import { CLOUD_ACCOUNT } from './cloud-peer.ts';
import { type CloudFaultReport, type CloudFaultSetting, MIN_READY, untilFull } from './run-cloud-fault.ts';
import { placesWith, unclearLines } from './visible-reason.ts';

const [QUOTA, MAX_SERVERS, FOREIGN, DEMAND] = [12, 20, 3, 50];
/** Longer than it takes until used quota is read again: all room is seen to be used. */
const JOB_MS = 30_000;
const FULL_MS = 300_000;
/** Launches go on so soon after others have made room. */
const RESUMED_MS = 60_000;
const MOST_REFUSED = 0.01;
const ALL_ROOM_USED = /instances +\| 12 +\| 12 /;

/**
 * A project with room for 12 servers, of which others have 3, in a provider with `max-servers: 20`, and 50 jobs that wait
 * from the start: later the others go.
 */
export async function runQuotaFault(
  { postgresHost, clock, leastMs }: CloudFaultSetting,
  signal: AbortSignal,
): Promise<CloudFaultReport> {
  const quota = { instances: QUOTA, cores: 200, floatingIps: 60 };
  await using farm = await CloudFaultFarm.start({
    ...{ postgresHost, clock, minReady: MIN_READY, maxServers: MAX_SERVERS, jobMs: JOB_MS },
    emulator: { projects: [{ name: CLOUD_ACCOUNT.project, quota }] },
    prepare: (cloud) => cloud.makeForeignServers(FOREIGN),
  });
  const { sick, load, loops } = farm.parts;
  const jobs = Promise.all(Array.from({ length: DEMAND }, () => load.submit('sick')));
  const room = QUOTA - FOREIGN;
  await farm.until('all room to be used', FULL_MS, async () => ((await serversOf(farm)) >= room ? true : undefined));
  const shown = farm.until('info to show it', FULL_MS, async () =>
    (await placesWith(ALL_ROOM_USED, farm)).includes('info') ? true : undefined,
  );
  await Promise.all([load.submit('well'), shown, clock.sleep(leastMs, signal)]);
  const freedMs = clock.monotonicMs();
  await sick.deleteForeignServers();
  await farm.until('more servers', FULL_MS, async () => ((await serversOf(farm)) > room ? true : undefined));
  const resumedMs = clock.monotonicMs() - freedMs;
  const [well] = load.jobs.filter(({ label }) => label === 'well');
  await jobs;
  await untilFull(farm, ['sick', 'well'], FULL_MS);
  const { total, statuses } = await sick.calls();
  const refused = statuses['403'] ?? 0;
  await farm.cleanUpTwice();
  const wellS = Math.round(((well?.endedMs ?? Infinity) - (well?.submittedMs ?? 0)) / 1000);
  return {
    broken: [
      ...(refused > MOST_REFUSED * total ? [`${refused} of ${total} calls were refused`] : []),
      ...(resumedMs > RESUMED_MS ? [`Launches went on after ${Math.round(resumedMs / 1000)} s`] : []),
      ...load.jobs.flatMap(({ label, outcome }) =>
        outcome === 'completed' ? [] : [`A job of ${label}: ${outcome ?? ''}`],
      ),
      ...loops.slowerThan(10_000).map((line) => `A pass was long: ${line}`),
      ...unclearLines(farm).map((line) => `Not clear: ${line}`),
      ...(await findCloudLeftovers({ parts: farm.parts, rows: await farm.rows() })),
    ],
    facts:
      `${load.jobs.length} jobs, well ${wellS} s, ${refused} of ${total} calls got 403, ` +
      `launches went on ${Math.round(resumedMs / 100) / 10} s after there was room`,
  };
}

/** Nodes that have a server. */
async function serversOf(farm: CloudFaultFarm): Promise<number> {
  const rows = await farm.rows();
  return rows.filter(({ provider, externalId }) => provider === 'sick' && externalId !== undefined).length;
}
