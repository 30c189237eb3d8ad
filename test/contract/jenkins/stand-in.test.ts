import { expect, test } from 'vitest';
import { TransientProviderError } from '../../../src/provider/errors.ts';
import { openAgents } from '../../../src/jenkins/open-agents.ts';
import type { Agents } from '../../../src/node/agents.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { TaskBoard } from '../../../src/runtime/task-board.ts';
import { type BenchOptions, StandInBench } from '../../devfarm/jenkins/stand-in-bench.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import { type AgentsUnderTestOptions, aNewAgent, aTarget } from '../../jenkins/agents-under-test.ts';
import { describeAgents, TEST_JOB } from './agents-contract.ts';

const JOBS = [
  { name: 'work', label: 'trusty', command: 'true' },
  { name: TEST_JOB, command: 'true', parameters: { NODE: '' }, nodeParameter: 'NODE' },
];

type Subject = AsyncDisposable & { readonly agents: Agents; readonly jenkins: StandInBench };

async function open(options: BenchOptions = {}, target: AgentsUnderTestOptions = {}): Promise<Subject> {
  const jenkins = await StandInBench.start({ jobs: JOBS, ...options });
  const deps = { clock: systemClock, log: new RecordingLogger(), tasks: new TaskBoard(systemClock) };
  const agents = openAgents(aTarget(jenkins.url, { credentialsId: 'agent-key', ...target }), deps);
  return {
    agents,
    jenkins,
    async [Symbol.asyncDispose]() {
      await agents.close();
      await jenkins[Symbol.asyncDispose]();
    },
  };
}

describeAgents('JenkinsAgents before the stand-in', async () => {
  const { agents, jenkins, ...rest } = await open();
  const connected = async (nodename: string): Promise<void> => {
    await jenkins.until(`/computer/${nodename}`, 'offline', (json) => json['offline'] === false);
  };
  let builds = 0;
  return {
    agents,
    ...rest,
    connected,
    startBuild: async () => {
      await jenkins.call('POST /job/work/build');
      builds += 1;
      await jenkins.machines.step(builds);
    },
    endBuild: async (nodename, then) => {
      // Without gearman the plugin's switch is ours to set: the reason is what tells.
      const reason = encodeURIComponent('Offline due to Gearman request');
      jenkins.machines.steps.at(-1)?.finish(0);
      await jenkins.until(`/computer/${nodename}`, 'idle', (json) => json['idle'] === true);
      if (then === 'offline')
        await jenkins.call(`POST /computer/${nodename}/changeOfflineCause?offlineMessage=${reason}`);
    },
    quietDown: async (isOn) => {
      await jenkins.call(isOn ? 'POST /quietDown' : 'POST /cancelQuietDown');
    },
    testJobs: async () => {
      const step = await jenkins.machines.step(1);
      step.finish(0);
      return [step.command.environment['NODE_NAME'] ?? ''];
    },
  };
});

test('with a password the adapter gets its crumb by itself, also after a restart of Jenkins', async () => {
  await using subject = await open({ port: 0 }, { secret: 'PASSWORD' });
  await subject.agents.ensure(aNewAgent('n1'), neverAborted);
  const port = Number(new URL(subject.jenkins.url).port);

  await subject.jenkins.stop();
  await subject.jenkins.boot({ port });

  expect(await subject.agents.setOffline('n1', 'drain', neverAborted)).toBe(true);
});

test('a Jenkins that starts is offline and its reads fail, which says nothing about its agents', async () => {
  await using subject = await open({ timing: { bootMs: 3_600_000 } });

  expect(await subject.agents.isOnline(neverAborted)).toBe(false);
  await expect(subject.agents.find('n1', neverAborted)).rejects.toThrow(TransientProviderError);
  await expect(subject.agents.list(neverAborted)).rejects.toThrow('Starting Jenkins');
});

test('a create whose answer is lost is found made', async () => {
  await using subject = await open();
  const rules = [{ path: '^/computer/doCreateItem', cut: 'after', times: 1 }];
  await subject.jenkins.call('PUT /_devfarm/faults', { body: JSON.stringify({ rules }) });

  await subject.agents.ensure(aNewAgent('n1'), neverAborted);

  expect(await subject.agents.find('n1', neverAborted)).toMatchObject({ nodename: 'n1' });
});

test('removing an agent under a build waits until Jenkins has let go of it', async () => {
  await using subject = await open({ timing: { removalMs: 150 } });
  const { agents, jenkins } = subject;
  await agents.ensure(aNewAgent('n1', { label: 'trusty' }), neverAborted);
  await jenkins.until('/computer/n1', 'offline', (json) => json['offline'] === false);
  await jenkins.call('POST /job/work/build');
  await jenkins.machines.step(1);

  expect(await agents.remove('n1', neverAborted)).toBe(true);
  expect(await agents.find('n1', neverAborted)).toBeUndefined();
});

test('names that need escaping reach their agent', async () => {
  await using subject = await open();
  const { agents } = subject;

  for (const name of ['two words', 'ünï日', "n(1)+'q"]) {
    await agents.ensure(aNewAgent(name), neverAborted);
    expect(await agents.setOffline(name, 'a & b', neverAborted)).toBe(true);
    expect(await agents.find(name, neverAborted)).toMatchObject({ nodename: name, offlineReason: 'a & b' });
    await agents.relabel(name, 'a <b>', neverAborted);
    expect(await agents.remove(name, neverAborted)).toBe(true);
  }
});

test('a prefix of the manager is part of every path', async () => {
  await using subject = await open({ prefix: '/ci' });

  await subject.agents.ensure(aNewAgent('n1'), neverAborted);

  expect(subject.jenkins.url).toMatch(/\/ci$/);
  expect(await subject.agents.list(neverAborted)).toHaveLength(1);
});
