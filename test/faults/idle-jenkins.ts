import { BENCH_ACCOUNT } from '../../bench/rig/farm-text.ts';
import type { AgentChannel } from '../../devfarm/jenkins/agent-machines.ts';
import { type JenkinsStandIn, startJenkinsStandIn } from '../../devfarm/jenkins/start-jenkins-stand-in.ts';
import { type Clock, systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

export type IdleJenkinsPlan = {
  readonly stateDir: string;
  readonly gearmanPort: number;
  readonly jobs: readonly { readonly name: string; readonly label: string }[];
  /** How long a job runs, by `clock`. */
  readonly jobMs: number;
  /** Default: the system's. */
  readonly clock?: Clock;
};

/** The Jenkins stand-in, whose agents have no machines and whose jobs do nothing for a while. */
export function startIdleJenkins(plan: IdleJenkinsPlan): Promise<JenkinsStandIn> {
  const clock = plan.clock ?? systemClock;
  return startJenkinsStandIn(
    {
      ...{ stateDir: plan.stateDir, user: BENCH_ACCOUNT.user, apiToken: BENCH_ACCOUNT.token },
      ...{ bindZmqLate: false, gearman: { host: '127.0.0.1', port: plan.gearmanPort } },
      credentials: [{ id: 'key', username: 'jenkins', privateKeyPath: '/nowhere/key' }],
      jobs: plan.jobs.map((job) => ({ ...job, command: 'true' })),
      timing: { removalMs: 200, retryWaitMs: 200, relaunchMs: 500 },
    },
    {
      ...{ clock, randomness: systemRandomness, log: new RecordingLogger() },
      machines: { connect: () => Promise.resolve(channelOf(plan.jobMs, clock)) },
    },
  );
}

/** A connection to no machine, on which a job takes its time. */
function channelOf(jobMs: number, clock: Clock): AgentChannel {
  const closing = new AbortController();
  return {
    run: async (_command, signal) => {
      await clock.sleep(jobMs, signal);
      return 0;
    },
    lost: new Promise((resolve) => {
      closing.signal.addEventListener('abort', () => {
        resolve();
      });
    }),
    close: () => {
      closing.abort();
    },
  };
}
