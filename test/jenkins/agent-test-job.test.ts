import { expect, test } from 'vitest';
import { RequestRefusedError, TransientProviderError } from '../../src/provider/errors.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { recorded } from '../fakes/recorded-jenkins.ts';
import { agentsUnderTest } from './agents-under-test.ts';

const CONFIG = recorded('03-node-lifecycle', 'get config.xml');
const POSTED = recorded('03-node-lifecycle', 'post config.xml relabel');

test('relabels by sending back what Jenkins gave, with the label changed and nothing else', async () => {
  const stored = { ...CONFIG, body: CONFIG.body.replace('centos6<', 'relabelled extra<') };
  await using ci = await agentsUnderTest([{ with: CONFIG }, { with: POSTED }, { with: stored }]);

  await ci.agents.relabel('n5', 'relabelled extra', neverAborted);

  expect(ci.jenkins.complaints).toEqual([]);
  expect(ci.jenkins.bodies[1]?.trimEnd()).toBe(POSTED.requestBody);
  expect(ci.jenkins.requestHeaders[1]).toMatchObject({ 'content-type': 'text/xml' });
  expect(ci.calls).toEqual(['GetNodeConfigTask', 'SetNodeConfigTask', 'GetNodeConfigTask']);
});

test('a label that Jenkins took but did not store is a failure', async () => {
  await using ci = await agentsUnderTest([{ with: CONFIG }, { with: POSTED }, { with: CONFIG }]);

  await expect(ci.agents.relabel('n5', 'relabelled', neverAborted)).rejects.toThrow(TransientProviderError);
});

test('a document that is cut short is not sent, because Jenkins would take it', async () => {
  const torso = { ...CONFIG, body: CONFIG.body.slice(0, 300) };
  await using ci = await agentsUnderTest([{ with: torso }]);

  await expect(ci.agents.relabel('n5', 'relabelled', neverAborted)).rejects.toThrow('does not end in </slave>');
  expect(ci.jenkins.requests).toHaveLength(1);
});

test('an agent that is gone cannot be relabelled', async () => {
  const gone = { to: 'GET /computer/n5/config.xml', with: recorded('01-auth-and-reads', 'nonexistent node') };
  await using ci = await agentsUnderTest([gone]);

  await expect(ci.agents.relabel('n5', 'relabelled', neverAborted)).rejects.toThrow(RequestRefusedError);
});

test('starts the test job with the node as its parameter', async () => {
  const to = 'POST /job/node%20check/buildWithParameters?NODE=n5';
  await using ci = await agentsUnderTest([{ to, with: recorded('04-jobs-zmq', 'buildWithParameters') }]);

  await ci.agents.startTestJob('node check', 'n5', neverAborted);

  expect(ci.jenkins.complaints).toEqual([]);
});

test.each(['no such job', 'disabled job', 'job without parameters, buildWithParameters'])(
  'a test job that cannot run (%s) is a fault that trying again does not mend',
  async (title) => {
    const answer = recorded('20-missing-disabled-jobs', title);
    await using ci = await agentsUnderTest([{ to: 'POST /job/check/buildWithParameters', with: answer }]);

    await expect(ci.agents.startTestJob('check', 'n5', neverAborted)).rejects.toThrow(RequestRefusedError);
  },
);
