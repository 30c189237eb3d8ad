import type { TargetConfig } from '../../src/config/config.ts';
import { openAgents } from '../../src/jenkins/open-agents.ts';
import type { Agents, NewAgent } from '../../src/node/agents.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import { Secret } from '../../src/runtime/secret.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { HastyClock } from '../fakes/hasty-clock.ts';
import { RecordedJenkins, RECORDED_SECRETS, type ScriptedAnswer } from '../fakes/recorded-jenkins.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

/** The credential that the recordings name. */
export const RECORDED_CREDENTIAL = '8c2ddfae-2f52-4a4c-8b0c-4d64d5b6ab53';

export type AgentsUnderTestOptions = {
  readonly secret?: keyof typeof RECORDED_SECRETS;
  readonly credentialsId?: string | null;
  readonly clock?: Clock;
  /** Appended to the manager's URL. */
  readonly prefix?: string;
};

export type AgentsUnderTest = AsyncDisposable & {
  readonly agents: Agents;
  readonly jenkins: RecordedJenkins;
  readonly log: RecordingLogger;
  /** Names given to `onCall`. */
  readonly calls: string[];
};

/** Our adapter before a Jenkins that answers as recorded. */
export async function agentsUnderTest(
  script: readonly ScriptedAnswer[],
  options: AgentsUnderTestOptions = {},
): Promise<AgentsUnderTest> {
  const jenkins = await RecordedJenkins.start(script);
  const clock = options.clock ?? new HastyClock();
  const log = new RecordingLogger();
  const calls: string[] = [];
  const agents = openAgents(aTarget(`${jenkins.url}${options.prefix ?? ''}`, options), {
    clock,
    log,
    tasks: new TaskBoard(clock),
    onCall: (name) => calls.push(name),
  });
  return {
    agents,
    jenkins,
    log,
    calls,
    async [Symbol.asyncDispose]() {
      await agents.close();
      await jenkins[Symbol.asyncDispose]();
    },
  };
}

export function aTarget(url: string, options: AgentsUnderTestOptions = {}): TargetConfig {
  const credentialsId = options.credentialsId === undefined ? RECORDED_CREDENTIAL : options.credentialsId;
  return {
    name: 'ci',
    minRequestGapMs: 0,
    hostname: '{label.name}-{provider.name}-{node_id}',
    subnodeHostname: '{label.name}-{provider.name}-{node_id}-{subnode_id}',
    assignViaGearman: false,
    jenkins: {
      url,
      user: 'jenkins',
      apiKey: new Secret(RECORDED_SECRETS[options.secret ?? 'APITOKEN']),
      ...(credentialsId !== null && { credentialsId }),
    },
  };
}

/** The agent of the recordings, with another name. */
export function aNewAgent(nodename: string, changes: Partial<NewAgent> = {}): NewAgent {
  return {
    nodename,
    description: 'Dynamic single use test node',
    label: 'centos6',
    remoteFolder: '/srv/agents',
    host: '127.0.0.1',
    port: 22022,
    username: 'root',
    privateKeyPath: '/srv/jenkins/ssh/key',
    ...changes,
  };
}
