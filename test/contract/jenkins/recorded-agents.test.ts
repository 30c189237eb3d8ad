import { expect, test } from 'vitest';
import { GATE_UNIT } from '../../devfarm/jenkins/stand-in-bench.ts';
import { recorded } from '../../fakes/recorded-jenkins.ts';
import { online, onlineAgent, recordedBench } from './recorded-bench.ts';
import { replay } from './recording-replay.ts';

test('authentication and reads', async () => {
  await using jenkins = await recordedBench();

  await replay(jenkins, '01-auth-and-reads', [
    'anonymous read',
    'bad password',
    'password auth',
    'API token auth',
    'quietingDown',
    'quietDown',
    'after quietDown',
    'untitled',
    'untitled (2)',
    'nonexistent node',
    'crumb issuer disabled', // the recording's title is wrong: it was on
  ]);
});

test('creating agents, and what is refused', async () => {
  await using jenkins = await recordedBench();

  await replay(jenkins, '02-nodes', [
    'create node by GET (python-jenkins 0.2 / old nodepool style)',
    'create by POST anonymous',
    'create by POST with PASSWORD auth, no crumb, crumb issuer on',
    'create by POST with API token, credentialsId, no verifier param',
    'duplicate name',
    'illegal name',
    'empty name',
    'missing type/json',
    'bad type',
    'numExecutors 0',
    'old-style username/privatekey launcher params',
    'config.xml of username/privatekey node',
    'unreachable ssh port',
    'with NonVerifying strategy',
  ]);
  await replay(jenkins, '03-node-lifecycle', ['delete offline badexec', 'delete offline centos6-2']);
  const orphan = await jenkins.call('GET /computer/badexec/api/json');
  expect(orphan.status).toBe(404);
});

test('the life of an agent', async () => {
  await using jenkins = await recordedBench();

  await replay(jenkins, '03-node-lifecycle', [
    'create n5',
    online('n5'),
    'get config.xml',
    'post config.xml relabel',
    'after relabel',
    'post broken xml',
    'post config.xml missing node',
    'toggleOffline on',
    'temp offline JSON',
    'toggleOffline off',
    'delete missing node',
    'anonymous delete',
    'delete idle online node',
    'delete again',
    'recreate same name',
    'delete while launching',
  ]);
});

test('the JSON of an agent that is online has the fields of Jenkins, in its order', async () => {
  await using jenkins = await recordedBench();
  await replay(jenkins, '03-node-lifecycle', ['create n5', online('n5')]);

  const shown = await jenkins.read('/computer/n5');

  const read = JSON.parse(recorded('03-node-lifecycle', 'online node JSON').body) as Readonly<Record<string, unknown>>;
  // Recorded in the first second, when the icon still flashed.
  expect(shown).toEqual({ ...read, icon: 'computer.png', iconClassName: 'icon-computer' });
  expect(Object.keys(shown)).toEqual(Object.keys(read));
});

test('jobs by the API', async () => {
  await using jenkins = await recordedBench();

  await replay(jenkins, '04-jobs-zmq', [
    'numExecutors 0 again',
    'cleanup',
    onlineAgent('centos6-4'),
    'post garbage config.xml',
    'create job',
    'create failing job',
    'create duplicate job',
    'build (no params) of parametrised job',
    (one) => one.call('POST /computer/centos6-4/doDelete'),
    'buildWithParameters',
  ]);
});

test('changeOfflineCause', async () => {
  await using jenkins = await recordedBench({ jobs: [GATE_UNIT] });

  await replay(jenkins, '12-change-offline-cause', [
    onlineAgent('n12'),
    'online agent',
    'the same computer, offlineCause with a sub-tree',
    'offlineCause without a sub-tree',
    'second call, same text',
    'third call, other text',
    'no offlineMessage',
    'text with special characters',
    'toggle on a node that is temporarily offline',
    'toggle',
    'changeOfflineCause on top',
    'GET instead of POST',
    'no such computer',
    'anonymous',
    'built-in node',
  ]);
});

test('names, labels and the read of all agents', async () => {
  await using jenkins = await recordedBench();

  await replay(jenkins, '14-names-labels-fields', [
    'no labelString in the form',
    online('n14-none'),
    'labels of a node without a label',
    onlineAgent('n14 round trip', { labelString: 'l14' }),
    'read',
    '+ for a blank in the path',
    'offline',
    'delete',
    onlineAgent('n14-üñ日x'),
    'toggle, non-ASCII',
    'delete, non-ASCII',
    'tree with a missing bracket',
    'range outside',
    'range, encoded braces',
    'built-in by /computer/(master)',
    '/computer/master',
  ]);
});

test('the reconciliation read, and trees that ask for more or less', async () => {
  await using jenkins = await recordedBench();
  jenkins.machines.refusing.add('192.0.2.99');
  await replay(jenkins, '14-names-labels-fields', [onlineAgent('n12'), onlineAgent('n14-empty', { labelString: '' })]);
  await replay(jenkins, '14-names-labels-fields', [onlineAgent('n14-none', { labelString: '' })]);
  await jenkins.createAgent('n14-dead', {
    labelString: 'l14',
    launcher: { host: '192.0.2.99', port: 22, credentialsId: 'agent-key' },
  });
  const isDead = (json: Readonly<Record<string, unknown>>): boolean => json['offlineCause'] !== null;
  await jenkins.until('/computer/n14-dead', 'offlineCause', isDead);
  await jenkins.call('POST /computer/n14-none/changeOfflineCause?offlineMessage=why');

  await replay(jenkins, '14-names-labels-fields', [
    'exact field list: built-in, one off by us, one online without a label, one that cannot be reached',
    'offlineCause without sub-tree',
    'offlineCause with other fields asked',
    'unknown fields',
  ]);
});

test('connecting and disconnecting', async () => {
  await using jenkins = await recordedBench({ timing: { relaunchMs: 60_000 } });

  await replay(jenkins, '17-connect-disconnect', [
    onlineAgent('n17'),
    'launchSlaveAgent, agent online',
    'doDisconnect, agent online',
    'doDisconnect again',
    'changeOfflineCause on a disconnected agent',
    'launchSlaveAgent, disconnected and temporarily offline',
    'connect',
    'GET launchSlaveAgent',
    'missing computer',
    'missing computer (2)',
    'built-in',
  ]);
});
