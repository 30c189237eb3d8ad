import { parseJobEvent } from '../../src/events/parse-job-event.ts';
import { type ByteTarget, promise } from '../fuzz-target.ts';
import { fixture } from '../fixtures.ts';

export const zmqEvents: ByteTarget = {
  kind: 'bytes',
  name: 'zmq-events',
  about: 'messages of build events: never an error, and texts where texts are promised',
  corpus: () =>
    fixture('zmq/frames.txt')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => Buffer.from(line)),
  words: ['onStarted ', 'onFinalized ', 'onCompleted ', '"node_name":', '"parameters":', '"ZUUL_BRANCH":', '"build":'],
  mayThrow: [],
  feed: (input) => {
    const message = parseJobEvent([input]);
    if (message.kind === 'event') {
      const { job, nodename, result = 'x', branch = 'x' } = message.event;
      for (const text of [job, nodename, result, branch]) promise(typeof text === 'string', 'An event holds no text');
      promise(nodename !== '', 'An event is for no node');
    }
    if (message.kind === 'bad') promise(message.reason.length < 1000, 'A reason is too long for a log');
  },
};
