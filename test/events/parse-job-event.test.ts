import { expect, test } from 'vitest';
import { parseJobEvent } from '../../src/events/parse-job-event.ts';
import { recordedFrame, recordedFrames } from './recorded-frames.ts';

const parse = (text: string): ReturnType<typeof parseJobEvent> => parseJobEvent([Buffer.from(text)]);

test('reads every recorded message: builds on agents are events, the others are not for us', () => {
  const kinds = recordedFrames().map((frame) => {
    const parsed = parse(frame);
    return parsed.kind === 'event' ? parsed.event.topic : parsed.kind;
  });

  const count = (kind: string): number => kinds.filter((one) => one === kind).length;
  expect({ onStarted: count('onStarted'), onFinalized: count('onFinalized'), ignored: count('ignored') }).toEqual({
    onStarted: 18,
    onFinalized: 19,
    ignored: 25, // 21 onCompleted, 4 others of the built-in node
  });
});

test('a start tells node and job', () => {
  expect(parse(recordedFrame('onStarted', 'gate-unit', 12))).toEqual({
    kind: 'event',
    event: { topic: 'onStarted', job: 'gate-unit', nodename: 'z1' },
  });
});

test('an end tells the result, also of a node that is deleted and thus has no description', () => {
  const frame = recordedFrame('onFinalized', 'gate-unit', 6);
  expect(frame).not.toContain('node_description');

  expect(parse(frame)).toEqual({
    kind: 'event',
    event: { topic: 'onFinalized', job: 'gate-unit', nodename: 'r1', result: 'FAILURE' },
  });
});

test('the branch comes from the parameters', () => {
  expect(parse(recordedFrame('onFinalized', 'gate-unit', 14))).toMatchObject({ event: { branch: 'master' } });
});

test.each([
  ['{"OFFLINE_NODE_WHEN_COMPLETE":"1"}', true],
  ['{"OFFLINE_NODE_WHEN_COMPLETE":"True"}', true],
  ['{"NODE_OFFLINE_WHEN_COMPLETE":"true"}', true],
  ['{"OFFLINE_NODE_WHEN_COMPLETE":"yes"}', undefined],
  ['{"OFFLINE_NODE_WHEN_COMPLETE":""}', undefined],
  ['{}', undefined],
])('a job with parameters %s asks to take its node offline: %s', (parameters, asksOffline) => {
  const frame = `onStarted {"name":"j","build":{"node_name":"n1","parameters":${parameters}}}`;

  const parsed = parse(frame);

  expect(parsed.kind === 'event' ? parsed.event.asksOffline : 'no event').toBe(asksOffline);
});

test('a build on the built-in node is not for us', () => {
  expect(parse(recordedFrame('onFinalized', 'on-master', 1))).toEqual({ kind: 'ignored' });
});

test('the second producer, the launcher of Zuul 2.5, sends less and spells JSON with blanks', () => {
  expect(
    parse('onStarted {"name": "j", "build": {"node_name": "n1", "host_name": "z", "parameters": {"ZUUL_BRANCH": 7}}}'),
  ).toEqual({ kind: 'event', event: { topic: 'onStarted', job: 'j', nodename: 'n1' } });
  expect(parse('onFinalized {"name": "j", "build": {"node_name": "n1", "status": null}}')).toEqual({
    kind: 'event',
    event: { topic: 'onFinalized', job: 'j', nodename: 'n1' },
  });
  expect(
    parse('onFinalized {"name": "zuul:launcher-shutdown", "build": {"node_name": "n1", "status": "SUCCESS"}}'),
  ).toMatchObject({ event: { job: 'zuul:launcher-shutdown', result: 'SUCCESS' } });
});

test.each([
  ['no node name', 'onStarted {"name":"matrix","build":{}}'],
  ['a null node name', 'onStarted {"name":"matrix","build":{"node_name":null}}'],
  ['an empty node name', 'onFinalized {"name":"j","build":{"node_name":"","status":"SUCCESS"}}'],
  ['onCompleted', 'onCompleted {"name":"j","build":{"node_name":"n1","status":"SUCCESS"}}'],
])('%s is ignored', (_, frame) => {
  expect(parse(frame)).toEqual({ kind: 'ignored' });
});

test('a start without parameters, or with empty ones, is an event', () => {
  expect(parse('onStarted {"name":"j","build":{"node_name":"n1"}}').kind).toBe('event');
  expect(parse('onStarted {"name":"j","build":{"node_name":"n1","parameters":{"ZUUL_BRANCH":""}}}')).toEqual({
    kind: 'event',
    event: { topic: 'onStarted', job: 'j', nodename: 'n1' },
  });
});

test('a topic of another plugin version is named, so that it can be told once', () => {
  expect(parse('onDeleted {"name":"j"}')).toEqual({ kind: 'unknown-topic', topic: 'onDeleted' });
});

test.each([
  ['nothing', []],
  ['two frames', [Buffer.from('onStarted'), Buffer.from('{}')]],
  ['an empty frame', [Buffer.from('')]],
  ['no blank', [Buffer.from('onStarted{"name":"j"}')]],
  ['a blank far away', [Buffer.from(`${'x'.repeat(100)} {}`)]],
  ['bad UTF-8 in the topic', [Buffer.from([0x6f, 0xff, 0x20, 0x7b, 0x7d])]],
  [
    'bad UTF-8 in the JSON',
    [Buffer.concat([Buffer.from('onStarted {"name":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')])],
  ],
  ['bad JSON', [Buffer.from('onStarted {"name":"j"')]],
  ['JSON that is no object', [Buffer.from('onStarted [1]')]],
  ['no job name', [Buffer.from('onStarted {"build":{"node_name":"n1"}}')]],
  ['no build', [Buffer.from('onStarted {"name":"j"}')]],
  ['a node name that is no text', [Buffer.from('onStarted {"name":"j","build":{"node_name":7}}')]],
  ['9 MB', [Buffer.concat([Buffer.from('onStarted '), Buffer.alloc(9 * 1024 * 1024, 'x')])]],
])('%s is bad, and nothing is thrown', (_, frames) => {
  expect(parseJobEvent(frames).kind).toBe('bad');
});

test('a message of 1 MB is read: parameters may be long', () => {
  const parameters = { LONG: 'x'.repeat(1024 * 1024), ZUUL_BRANCH: 'master' };
  const frame = `onStarted ${JSON.stringify({ name: 'j', build: { node_name: 'n1', parameters } })}`;

  expect(parse(frame)).toMatchObject({ kind: 'event', event: { branch: 'master' } });
});
