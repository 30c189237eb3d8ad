import type { Clock } from '../../src/runtime/clock.ts';
import type { LoadedJob } from '../fault-load.ts';
import type { CloudFault } from './cloud-fault.ts';
import { CloudFaultFarm, LABELS } from './cloud-fault-farm.ts';
import { findCloudLeftovers } from './cloud-leftovers.ts';
import { placesWith, unclearLines } from './visible-reason.ts';

export type CloudFaultSetting = {
  readonly postgresHost: string;
  readonly clock: Clock;
  /** The fault lasts so long at least, and until its reason is shown and the other provider has served some jobs. */
  readonly leastMs: number;
};

export type CloudFaultReport = {
  /** One line for each thing that should not be. */
  readonly broken: readonly string[];
  /** Figures, for a look. */
  readonly facts: string;
};

/** Of each label. */
export const MIN_READY = 2;
const MAX_SERVERS = 6;
const BOOT_MS = 120_000;
/** A server that does not go is waited for 120 s, and calls are tried again before anybody gives up. */
const SHOWN_MS = 240_000;
/** A pause grows to two minutes, and its end is met by one launch. */
const RECOVERY_MS = 300_000;
const SERVED_MS = 30_000;
const WELL_JOBS = 3;
const PASS_MS = 10_000;

/** Lets the cloud of one provider fail under load, and looks at the other one, at what is told of it, and at what is left. */
export async function runCloudFault(
  fault: CloudFault,
  { postgresHost, clock, leastMs }: CloudFaultSetting,
  signal: AbortSignal,
): Promise<CloudFaultReport> {
  await using farm = await CloudFaultFarm.start({
    ...{ postgresHost, clock, minReady: MIN_READY, maxServers: MAX_SERVERS },
    ...(fault.emulator !== undefined && { emulator: fault.emulator }),
    ...(fault.isThereAtStart === true && { prepare: fault.begin }),
  });
  const { sick, load, loops } = farm.parts;
  await untilFull(farm, fault.isThereAtStart === true ? ['well'] : LABELS, BOOT_MS);
  const startedMs = clock.monotonicMs();
  const over = new AbortController();
  const lanes = LABELS.map((label) => load.keepBusy(label, over.signal));
  if (fault.isThereAtStart !== true) await fault.begin(sick);
  const broken: string[] = [];
  await Promise.all([untilShown(fault, farm, broken), untilServed(farm, broken), clock.sleep(leastMs, signal)]);
  loops.look();
  const shownMs = clock.monotonicMs() - startedMs;
  await (fault.end?.(sick) ?? sick.heal());
  over.abort();
  await Promise.all(lanes);
  const wrong = await untilFull(farm, LABELS, RECOVERY_MS).catch(() => whatIsWrong(farm, LABELS));
  const endedMs = clock.monotonicMs();
  await farm.cleanUpTwice();
  const leftovers = await findCloudLeftovers({ parts: farm.parts, rows: await farm.rows() });
  return {
    broken: [
      ...broken,
      ...(wrong ?? []),
      ...leftovers,
      ...loops.slowerThan(PASS_MS).map((line) => `A pass was long: ${line}`),
      ...unclearLines(farm).map((line) => `Not clear: ${line}`),
      ...load.jobs.flatMap((job) => complaintAbout(job) ?? []),
    ],
    facts:
      `${load.jobs.length} jobs, longest well ${longestS(load.jobs, 'well')} s, sick ${longestS(load.jobs, 'sick')} s, ` +
      `fault ${Math.round(shownMs / 1000)} s, full again after ${Math.round((endedMs - startedMs - shownMs) / 1000)} s, ` +
      `longest pass ${Math.round(Math.max(0, ...loops.longestMs.values()) / 100) / 10} s, ` +
      `shown in ${(await placesWith(fault.reason, farm)).join(', ')}`,
  };
}

async function untilShown(fault: CloudFault, farm: CloudFaultFarm, broken: string[]): Promise<void> {
  const look = async (): Promise<true | undefined> => {
    const places = await placesWith(fault.reason, farm);
    return fault.shownIn.every((place) => places.includes(place)) ? true : undefined;
  };
  await farm.until(`the reason of ${fault.name} to be shown`, SHOWN_MS, look).catch(async (error: unknown) => {
    const places = await placesWith(fault.reason, farm);
    broken.push(`${String(error)}; only in: ${places.join(', ')}`);
  });
}

async function untilServed(farm: CloudFaultFarm, broken: string[]): Promise<void> {
  const { load } = farm.parts;
  const look = (): Promise<true | undefined> => {
    const ended = load.jobs.filter(({ label, endedMs }) => label === 'well' && endedMs !== undefined);
    return Promise.resolve(ended.length >= WELL_JOBS ? true : undefined);
  };
  await farm.until('jobs of the other provider', 10 * SERVED_MS, look).catch((error: unknown) => {
    broken.push(String(error));
  });
}

/** Waits until those labels have their nodes, and nothing else is under way. @throws {DeadlineExceededError} */
export async function untilFull(farm: CloudFaultFarm, labels: readonly string[], ms: number): Promise<undefined> {
  await farm.until(`nodes of ${labels.join(' and ')} to be ready`, ms, async () =>
    (await whatIsWrong(farm, labels)).length === 0 ? true : undefined,
  );
}

async function whatIsWrong(farm: CloudFaultFarm, labels: readonly string[]): Promise<readonly string[]> {
  const rows = (await farm.rows()).filter(({ label }) => labels.includes(label));
  const ready = rows.filter(({ state, registeredAt }) => state === 'ready' && registeredAt !== undefined);
  return [
    ...farm.parts.load.unfinished.map(({ label }) => `A job of ${label} waits`),
    ...rows.filter((row) => !ready.includes(row)).map(({ id, state }) => `Node ${id} is stuck in ${state}`),
    ...labels
      .filter((label) => ready.filter((row) => row.label === label).length < MIN_READY)
      .map((label) => `Too few nodes of ${label} are ready`),
  ];
}

function complaintAbout({ label, submittedMs, endedMs = Infinity, outcome }: LoadedJob): string | undefined {
  if (outcome !== undefined && outcome !== 'completed') return `A job of ${label} ended by "${outcome}"`;
  const tookMs = endedMs - submittedMs;
  return label === 'well' && tookMs > SERVED_MS ? `A job of well took ${Math.round(tookMs / 1000)} s` : undefined;
}

function longestS(jobs: readonly LoadedJob[], label: string): number {
  const took = jobs.filter((job) => job.label === label).map((job) => (job.endedMs ?? Infinity) - job.submittedMs);
  return Math.round(Math.max(0, ...took) / 1000);
}
