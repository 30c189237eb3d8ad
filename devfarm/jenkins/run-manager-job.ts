import { z } from 'zod';
import type { Computers } from './computers.ts';
import type { BuildRecord } from './farm-records.ts';
import type { GearmanJob } from './gearman-session.ts';
import type { JobBook } from './job-book.ts';
import { stopBuild } from './stop-build.ts';

export type ManagerJobDeps = { readonly computers: Computers; readonly jobs: JobBook };

/** Zuul sends the number as it got it or as text. */
const Order = z.object({ name: z.string(), number: z.coerce.number(), html_description: z.string().default('') });

/** `stop:HOST` and `set_description:HOST`: WORK_FAIL for a build that is not there. */
export async function runManagerJob(job: GearmanJob, deps: ManagerJobDeps): Promise<void> {
  const order = parseOrder(job.data);
  const build = order === undefined ? undefined : deps.jobs.findBuild(order.name, order.number);
  if (order === undefined || build === undefined) job.fail();
  else if (job.functionName.startsWith('stop:')) stop(job, build, deps);
  else describe(job, { build, text: order.html_description }, deps);
  return Promise.resolve();
}

function stop(job: GearmanJob, build: BuildRecord, deps: ManagerJobDeps): void {
  stopBuild(build, deps.computers);
  job.complete('');
}

function describe(
  job: GearmanJob,
  { build, text }: { readonly build: BuildRecord; readonly text: string },
  deps: ManagerJobDeps,
): void {
  deps.jobs.describeBuild(build, text);
  job.complete(`Description for Jenkins build ${build.number} was updated to ${text}`);
}

function parseOrder(data: string): z.output<typeof Order> | undefined {
  try {
    return Order.parse(JSON.parse(data));
  } catch {
    return undefined; // answered by WORK_FAIL
  }
}
