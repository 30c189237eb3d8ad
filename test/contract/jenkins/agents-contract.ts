import { beforeEach, describe, expect, test } from 'vitest';
import type { Agents, NewAgent } from '../../../src/node/agents.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';

/** An implementation of Agents before a Jenkins that the suite may change. It starts without agents. */
export type AgentsSubject = AsyncDisposable & {
  readonly agents: Agents;
  /** Resolves when the agent is online, or offline for another reason than its switch. */
  connected(nodename: string): Promise<void>;
  startBuild(nodename: string): Promise<void>;
  /** Ends the build; with `offline` its job asked the gearman plugin to take the node offline. */
  endBuild(nodename: string, then?: 'offline'): Promise<void>;
  quietDown(isOn: boolean): Promise<void>;
  /** The nodes that test jobs were started for. */
  testJobs(): Promise<readonly string[]>;
};

/** The name of the test job. */
export const TEST_JOB = 'check-node';

const REASON = 'Offline due to Gearman request';

function aNewAgent(nodename: string, changes: Partial<NewAgent> = {}): NewAgent {
  return {
    nodename,
    description: 'Dynamic single use trusty node',
    label: 'trusty',
    remoteFolder: '/home/jenkins',
    host: '192.0.2.7',
    port: 22,
    username: 'jenkins',
    privateKeyPath: '/var/lib/jenkins/.ssh/id_rsa',
    ...changes,
  };
}

/** What every implementation of Agents does. */
export function describeAgents(name: string, open: () => Promise<AgentsSubject>): void {
  describe(`Agents: ${name}`, () => {
    let subject: AgentsSubject;
    let agents: Agents;
    beforeEach(async () => {
      subject = await open();
      agents = subject.agents;
      return () => subject[Symbol.asyncDispose]();
    });

    test('an agent that was ensured is there with its label, and connects', async () => {
      await agents.ensure(aNewAgent('n1'), neverAborted);
      await subject.connected('n1');

      const agent = await agents.find('n1', neverAborted);

      expect(agent).toMatchObject({ nodename: 'n1', offline: false, temporarilyOffline: false, busy: false });
      expect(agent?.labels).toEqual(expect.arrayContaining(['trusty', 'n1']));
      expect((await agents.list(neverAborted)).map(({ nodename }) => nodename)).toEqual(['n1']);
    });

    test('ensuring it again changes nothing; with another host it is replaced', async () => {
      await agents.ensure(aNewAgent('n1'), neverAborted);
      await subject.connected('n1');
      await agents.setOffline('n1', 'mark', neverAborted);

      await agents.ensure(aNewAgent('n1'), neverAborted);
      expect(await agents.find('n1', neverAborted)).toMatchObject({ offlineReason: 'mark' });
      await agents.ensure(aNewAgent('n1', { host: '192.0.2.8' }), neverAborted);

      expect(await agents.find('n1', neverAborted)).toMatchObject({ temporarilyOffline: false });
    });

    test('an agent nobody made is absent, cannot be set offline, and is removed already', async () => {
      expect(await agents.find('n1', neverAborted)).toBeUndefined();
      expect(await agents.setOffline('n1', 'drain', neverAborted)).toBe(false);
      expect(await agents.remove('n1', neverAborted)).toBe(true);
    });

    test('setting offline twice leaves it offline, with the last reason, under a build too', async () => {
      await agents.ensure(aNewAgent('n1'), neverAborted);
      await subject.connected('n1');
      await subject.startBuild('n1');

      expect(await agents.setOffline('n1', 'first', neverAborted)).toBe(true);
      expect(await agents.setOffline('n1', 'second', neverAborted)).toBe(true);

      expect(await agents.find('n1', neverAborted)).toMatchObject({
        offline: true,
        temporarilyOffline: true,
        offlineReason: 'second',
        busy: true,
      });
      await subject.endBuild('n1');
      expect(await agents.find('n1', neverAborted)).toMatchObject({ offline: true, busy: false });
    });

    test('a job that takes its node offline is seen by the reason', async () => {
      await agents.ensure(aNewAgent('n1'), neverAborted);
      await subject.connected('n1');
      await subject.startBuild('n1');
      await subject.endBuild('n1', 'offline');

      expect(await agents.list(neverAborted)).toMatchObject([
        { nodename: 'n1', temporarilyOffline: true, offlineReason: REASON, busy: false },
      ]);
    });

    test('a removed agent is gone', async () => {
      await agents.ensure(aNewAgent('n1'), neverAborted);
      await subject.connected('n1');

      expect(await agents.remove('n1', neverAborted)).toBe(true);
      expect(await agents.list(neverAborted)).toEqual([]);
    });

    test('an agent is tested without a label, and gets it afterwards', async () => {
      const { label, ...unlabelled } = aNewAgent('n1');
      await agents.ensure(unlabelled, neverAborted);
      await subject.connected('n1');

      await agents.startTestJob(TEST_JOB, 'n1', neverAborted);
      expect(await subject.testJobs()).toEqual(['n1']);
      expect((await agents.find('n1', neverAborted))?.labels).toEqual(['n1']);
      await agents.relabel('n1', label ?? '', neverAborted);

      expect((await agents.find('n1', neverAborted))?.labels).toEqual(expect.arrayContaining(['trusty', 'n1']));
    });

    test('Jenkins is offline while it quiets down', async () => {
      expect(await agents.isOnline(neverAborted)).toBe(true);
      await subject.quietDown(true);
      expect(await agents.isOnline(neverAborted)).toBe(false);
      await subject.quietDown(false);
      expect(await agents.isOnline(neverAborted)).toBe(true);
    });
  });
}
