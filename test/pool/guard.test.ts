import { describe, expect, test } from 'vitest';
import { OFFLINE_BY_GEARMAN } from '../../src/node/agents.ts';
import { guardDeletion } from '../../src/pool/guard.ts';
import { TransientProviderError } from '../../src/provider/errors.ts';
import { FakeAgents } from '../fakes/fake-agents.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { Life } from './life.ts';

const offline = { nodename: 'n1', temporarilyOffline: true, offlineReason: OFFLINE_BY_GEARMAN };

describe('the guard', () => {
  test('lets an agent go that its job took offline, after one look: the deletion follows the event at once', async () => {
    const agents = new FakeAgents({ agents: [offline] });

    expect(await guardDeletion('n1', agents, neverAborted)).toBe('quiet');
    expect(agents.calls).toEqual(['find']);
  });

  test('takes an agent offline that still takes builds, and believes only a later look', async () => {
    const agents = new FakeAgents({ agents: ['n1'] });

    expect(await guardDeletion('n1', agents, neverAborted)).toBe('quiet');
    expect(agents.calls).toEqual(['find', 'setOffline', 'find']);
    expect(agents.agent('n1').temporarilyOffline).toBe(true);
  });

  test('keeps an agent on which a build began between its look and its word', async () => {
    const agents = new FakeAgents({ agents: ['n1'] });
    const life = new Life();
    life.beforeCall = (_count, name) => {
      if (name === 'setOffline') agents.startBuild('n1');
    };

    expect(await guardDeletion('n1', life.wrap(agents), neverAborted)).toBe('busy');
  });

  test.each([
    ['takes no more builds', offline],
    ['still takes builds', { nodename: 'n1' }],
  ])('keeps an agent with a running build that %s', async (_, agent) => {
    const agents = new FakeAgents({ agents: [{ ...agent, busy: true }] });

    expect(await guardDeletion('n1', agents, neverAborted)).toBe('busy');
    expect(agents.agent('n1').temporarilyOffline).toBe(true);
  });

  test('takes an agent offline that is only disconnected: it may come back and take a build', async () => {
    const agents = new FakeAgents({ agents: [{ nodename: 'n1', connected: false, offlineReason: 'ssh failed' }] });

    await guardDeletion('n1', agents, neverAborted);

    expect(agents.agent('n1').temporarilyOffline).toBe(true);
  });

  test('keeps the reason that the gearman plugin wrote', async () => {
    const agents = new FakeAgents({ agents: [offline] });

    await guardDeletion('n1', agents, neverAborted);

    expect(agents.agent('n1').offlineReason).toBe(OFFLINE_BY_GEARMAN);
  });

  test.each(['find', 'setOffline'])('sees an agent as absent that goes before %s', async (call) => {
    const agents = new FakeAgents({ agents: ['n1'] });
    const life = new Life();
    life.beforeCall = (_count, name) => {
      if (name === call) agents.drop('n1');
    };

    expect(await guardDeletion('n1', life.wrap(agents), neverAborted)).toBe('absent');
  });

  test('sees an agent as absent that goes before the later look', async () => {
    const agents = new FakeAgents({ agents: ['n1'] });
    const life = new Life();
    life.beforeCall = (count) => {
      if (count === 3) agents.drop('n1');
    };

    expect(await guardDeletion('n1', life.wrap(agents), neverAborted)).toBe('absent');
  });

  test.each(['find', 'setOffline'] as const)('gives no verdict when %s fails: silence is not absence', async (call) => {
    const agents = new FakeAgents({ agents: ['n1'] });
    agents.failNext(call, new TransientProviderError('Jenkins does not answer'));

    await expect(guardDeletion('n1', agents, neverAborted)).rejects.toThrow('Jenkins does not answer');
  });
});
