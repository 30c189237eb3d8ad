import { expect, test } from 'vitest';
import { RequestRefusedError, TransientProviderError } from '../../src/provider/errors.ts';
import type { NewAgent } from '../../src/node/agents.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { recorded } from '../fakes/recorded-jenkins.ts';
import { aNewAgent, agentsUnderTest } from './agents-under-test.ts';

const ABSENT = recorded('01-auth-and-reads', 'nonexistent node');
const PRESENT = recorded('03-node-lifecycle', 'online node JSON');
const CONFIG = recorded('03-node-lifecycle', 'get config.xml');
const OLD_STYLE_CONFIG = recorded('02-nodes', 'config.xml of username/privatekey node');
const CREATED = recorded('03-node-lifecycle', 'create n5');
const DELETED = recorded('03-node-lifecycle', 'delete idle online node');
const TAKEN = recorded('02-nodes', 'duplicate name');

function withoutLabel(agent: NewAgent): NewAgent {
  const { label, ...rest } = agent;
  expect(label).toBeDefined();
  return rest;
}

test('lists agents with their state in one call, and leaves out the built-in node, which is none', async () => {
  const read = recorded(
    '14-names-labels-fields',
    'exact field list: built-in, one off by us, one online without a label, one that cannot be reached',
  );
  await using ci = await agentsUnderTest([{ with: read }]);

  const list = await ci.agents.list(neverAborted);

  expect(list.map((agent) => agent.nodename)).toEqual(['n12', 'n14-dead', 'n14-empty', 'n14-none']);
  expect(list[0]).toEqual({
    nodename: 'n12',
    offline: false,
    temporarilyOffline: false,
    offlineReason: '',
    busy: false,
    labels: ['centos6', 'n12'],
  });
  expect(list.find((agent) => agent.nodename === 'n14-none')).toMatchObject({
    temporarilyOffline: true,
    offlineReason: 'why',
  });
  expect(ci.jenkins.complaints).toEqual([]);
});

test.each([
  ['idle', false],
  ['one of two busy', true],
  ['offline, one build over', true],
  ['offline, both over', false],
])('an agent with two executors, "%s", is busy: %s', async (title, busy) => {
  await using ci = await agentsUnderTest([{ to: 'GET /computer/n16/api/json', with: recorded('16-executors', title) }]);

  const agent = await ci.agents.find('n16', neverAborted);

  expect(agent?.busy).toBe(busy);
});

test('an agent that Jenkins answers 404 for is absent', async () => {
  await using ci = await agentsUnderTest([{ to: 'GET /computer/nosuch/api/json', with: ABSENT }]);

  expect(await ci.agents.find('nosuch', neverAborted)).toBeUndefined();
  expect(ci.jenkins.complaints).toEqual([]);
});

test('creates an agent by exactly the form that Jenkins took, and proves it by reading it', async () => {
  await using ci = await agentsUnderTest([
    { with: CREATED },
    { to: 'GET /computer/n5/api/json', with: PRESENT },
    { with: CONFIG },
  ]);

  await ci.agents.ensure(aNewAgent('n5'), neverAborted);

  expect(ci.jenkins.complaints).toEqual([]);
  expect(ci.calls).toEqual(['CreateNodeTask', 'NodeExistsTask', 'GetNodeConfigTask']);
});

test('an agent without a label is made without labelString, for its test job is pending', async () => {
  const create = recorded('14-names-labels-fields', 'no labelString in the form');
  await using ci = await agentsUnderTest(
    [
      { with: create },
      { to: 'GET /computer/n14-none/api/json', with: PRESENT },
      { to: 'GET /computer/n14-none/config.xml', with: CONFIG },
    ],
    { credentialsId: 'agent-key' },
  );

  await ci.agents.ensure(withoutLabel(aNewAgent('n14-none', { remoteFolder: '/srv/agents/n14_none' })), neverAborted);

  expect(ci.jenkins.complaints).toEqual([]);
});

test('without credentials-id user and key path are sent, and both Jenkins and we warn once per target', async () => {
  const read = { to: 'GET /computer/centos6-2/api/json', with: PRESENT };
  const taken = {
    to: 'POST /computer/doCreateItem',
    with: recorded('02-nodes', 'old-style username/privatekey launcher params'),
  };
  await using ci = await agentsUnderTest([taken, read, { with: OLD_STYLE_CONFIG }, taken, read], {
    credentialsId: null,
  });

  await ci.agents.ensure(aNewAgent('centos6-2'), neverAborted);
  await ci.agents.ensure(aNewAgent('centos6-2'), neverAborted);

  const form = JSON.parse(
    new URL(ci.jenkins.requests[0]?.slice(5) ?? '', ci.jenkins.url).searchParams.get('json') ?? '',
  ) as unknown;
  expect(form).toMatchObject({ launcher: { username: 'root', privatekey: '/srv/jenkins/ssh/key' } });
  expect(ci.log.messages('warn')).toEqual([
    'Target "ci" has no credentials-id: today\'s Jenkins ignores user name and key path, and its agents cannot connect',
    'Jenkins of target "ci" stored agent "centos6-2" without credentials',
  ]);
});

test('a taken name is ours if the launcher has our host', async () => {
  await using ci = await agentsUnderTest([{ to: 'POST /computer/doCreateItem', with: TAKEN }, { with: CONFIG }]);

  await ci.agents.ensure(aNewAgent('n5'), neverAborted);

  expect(ci.jenkins.complaints).toEqual([]);
  expect(ci.jenkins.unused).toBe(0);
});

test('a taken name with another host is a left-over: it is deleted and made anew', async () => {
  const create = { to: 'POST /computer/doCreateItem' };
  const read = { to: 'GET /computer/n5/api/json' };
  await using ci = await agentsUnderTest([
    { ...create, with: TAKEN },
    { with: CONFIG },
    { ...read, with: PRESENT },
    { with: DELETED },
    { ...read, with: ABSENT },
    { ...create, with: CREATED },
    { ...read, with: PRESENT },
    { with: CONFIG },
  ]);

  await ci.agents.ensure(aNewAgent('n5', { host: '192.0.2.99' }), neverAborted);

  expect(ci.jenkins.complaints).toEqual([]);
  expect(ci.jenkins.unused).toBe(0);
});

test('an agent of another host that runs a build is not replaced, for somebody waits for that build', async () => {
  await using ci = await agentsUnderTest([
    { to: 'POST /computer/doCreateItem', with: TAKEN },
    { with: CONFIG },
    { to: 'GET /computer/n5/api/json', with: recorded('16-executors', 'both busy') },
  ]);

  const ensured = ci.agents.ensure(aNewAgent('n5', { host: '192.0.2.99' }), neverAborted);

  await expect(ensured).rejects.toThrow('Cannot replace agent "n5" of another host: it runs a build');
});

test('a create whose answer is lost is looked up before anything is repeated', async () => {
  await using ci = await agentsUnderTest([{ to: 'POST /computer/doCreateItem', with: 'cut' }, { with: CONFIG }]);

  await ci.agents.ensure(aNewAgent('n5'), neverAborted);

  expect(ci.jenkins.requests[1]).toBe('GET /computer/n5/config.xml');
  expect(ci.jenkins.unused).toBe(0);
});

test('a create that Jenkins confirms without making the agent is a failure, so that the next pass tries again', async () => {
  await using ci = await agentsUnderTest([{ with: CREATED }, { to: 'GET /computer/n5/api/json', with: ABSENT }]);

  const ensured = ci.agents.ensure(aNewAgent('n5'), neverAborted);

  await expect(ensured).rejects.toThrow(TransientProviderError);
});

test.each([
  ['illegal name', '/ is an unsafe character'],
  ['empty name', "Query parameter 'name' is required"],
  ['missing type/json', 'This page expects a form submission'],
  ['bad type', '500'],
])('a form that Jenkins refuses (%s) is no passing failure, and its reason is told', async (title, reason) => {
  await using ci = await agentsUnderTest([{ to: 'POST /computer/doCreateItem', with: recorded('02-nodes', title) }]);

  const ensured = ci.agents.ensure(aNewAgent('n5'), neverAborted);

  await expect(ensured).rejects.toThrow(RequestRefusedError);
  await expect(ensured).rejects.toThrow(reason);
});

test('sets an agent offline by the call that may be repeated, with its text escaped', async () => {
  await using ci = await agentsUnderTest([
    { with: recorded('12-change-offline-cause', 'text with special characters') },
    { with: recorded('12-change-offline-cause', 'no such computer') },
  ]);

  expect(await ci.agents.setOffline('n12', 'a & b <c> "d" ü', neverAborted)).toBe(true);
  expect(await ci.agents.setOffline('nosuch', 'x', neverAborted)).toBe(false);
  expect(ci.jenkins.complaints).toEqual([]);
});
