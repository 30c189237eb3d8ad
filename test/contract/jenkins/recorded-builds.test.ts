import { expect, test } from 'vitest';
import { GATE_UNIT } from '../../devfarm/jenkins/stand-in-bench.ts';
import { online, recordedBench } from './recorded-bench.ts';
import { replay } from './recording-replay.ts';

test('queue items', async () => {
  const job = { ...GATE_UNIT, name: 'q15', label: 'l15', concurrent: false };
  await using jenkins = await recordedBench({ jobs: [job] });

  await replay(jenkins, '15-queue-item', [
    'unknown item',
    'the queue, empty',
    (one) => one.call('POST /job/q15/buildWithParameters?ZUUL_UUID=q3&SLEEP=1'),
    async (one) => {
      const again = await one.call('POST /job/q15/buildWithParameters?ZUUL_UUID=q3&SLEEP=1');
      expect(again.headers['location']).toBe(`${one.url}/queue/item/1/`);
      expect((await one.read('/queue/item/1'))['why']).toBe('There are no nodes with the label ‘l15’');
      expect((await one.call('POST /queue/cancelItem?id=1')).status).toBe(204);
      expect((await one.call('POST /queue/cancelItem?id=1')).status).toBe(500);
      expect(await one.read('/queue/item/1')).toMatchObject({ cancelled: true, executable: null });
    },
  ]);
});

test('two executors on one agent', async () => {
  await using jenkins = await recordedBench({
    jobs: [
      { ...GATE_UNIT, name: 'ex', label: 'l16' },
      { ...GATE_UNIT, name: 'q15', label: 'l15' },
    ],
  });

  await replay(jenkins, '16-executors', [
    'create n16',
    online('n16'),
    'idle',
    // The recorded job had four builds before.
    async (one) => {
      one.machines.status = 0;
      for (const sleep of [1, 2, 3, 4]) await one.call(`POST /job/ex/buildWithParameters?SLEEP=${sleep}`);
      await one.until('/job/ex', 'builds[building]', (json) => JSON.stringify(json).split(':false').length === 5);
      one.machines.status = undefined;
    },
    'first build',
    (one) => one.machines.step(5),
    'one of two busy',
    (one) => one.call('POST /job/ex/buildWithParameters?SLEEP=9&ZUUL_UUID=b'),
    (one) => one.machines.step(6),
    'both busy',
    (one) => one.call('POST /job/q15/buildWithParameters?SLEEP=1'),
    (one) => one.call('POST /job/ex/buildWithParameters?SLEEP=1'),
    'a third build',
    'offline with both busy',
    'offline, both busy',
    (one) => {
      for (const step of one.machines.steps.slice(4)) step.finish(0);
      return one.until('/computer/n16', 'idle', (json) => json['idle'] === true);
    },
    'offline, both over',
    'the third build still waits',
  ]);
});

test('quieting down', async () => {
  await using jenkins = await recordedBench({ jobs: [{ ...GATE_UNIT, name: 'q19' }] });

  await replay(jenkins, '19-quiet-down', [
    'quietDown with a build running',
    'a second quietDown',
    'JSON',
    'build request while quieting down',
    async (one) => {
      expect((await one.read('/queue/item/1'))['why']).toBe('Jenkins is about to shut down');
    },
    'createItem while quieting down',
    'changeOfflineCause',
    'doDelete',
    'cancelQuietDown',
    'cancelQuietDown again',
  ]);
});

test('jobs that are missing, disabled, or take no parameters', async () => {
  await using jenkins = await recordedBench({
    jobs: [
      { name: 'dis', command: 'true', label: 'l20', parameters: { SLEEP: '1' }, disabled: true },
      { name: 'plain', command: 'true', label: 'l20' },
      GATE_UNIT,
    ],
  });

  await replay(jenkins, '20-missing-disabled-jobs', [
    'no such job',
    'no such job, build',
    'no such job, read',
    'disabled job',
    'its JSON',
    'job without parameters, buildWithParameters',
    'job without parameters, build',
    'again while queued: the same item',
    'delay=0sec',
    'bad delay',
    'GET buildWithParameters',
  ]);
});
