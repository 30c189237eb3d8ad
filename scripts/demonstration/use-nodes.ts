import type { DemoFarm } from './demo-farm.ts';
import type { Progress } from './progress.ts';
import { type EndedBuild, runJobs } from './zuul.ts';

/** What steps of the demonstration use. */
export type Stage = { readonly farm: DemoFarm; readonly progress: Progress };

/** Runs jobs and sees that each got a node of its own, and that these nodes are gone after it. */
export async function useNodes(jobs: number, { farm, progress }: Stage): Promise<readonly EndedBuild[]> {
  progress.note(`submitting ${jobs} jobs through gearmand, as Zuul does`);
  const builds = await runJobs(jobs, farm);
  for (const { number, nodename } of builds) progress.note(`  build ${number} ran on ${nodename}`);
  const names = new Set(builds.map(({ nodename }) => nodename));
  if (names.size !== jobs) throw new Error(`${jobs} jobs ran on ${names.size} different nodes`);
  progress.check(`${jobs} jobs ended with SUCCESS on ${names.size} different nodes`);
  await farm.awaitGone(names);
  progress.check('every used node is deleted, in the cloud, in Jenkins and in the list');
  return builds;
}
