import { openAgents } from '../../src/jenkins/open-agents.ts';
import type { Agents } from '../../src/node/agents.ts';
import {
  CredentialsRefusedError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../../src/provider/errors.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { HastyClock } from '../../test/fakes/hasty-clock.ts';
import { neverAborted } from '../../test/fakes/never-aborted.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';
import { aNewAgent, aTarget } from '../../test/jenkins/agents-under-test.ts';
import type { ByteTarget } from '../fuzz-target.ts';
import { recordedAnswers } from '../fixtures.ts';
import { sayingPeer } from '../raw-peer.ts';

type Call = (agents: Agents) => Promise<unknown>;

const CALLS: Readonly<Record<string, Call>> = {
  list: (agents) => agents.list(neverAborted),
  find: (agents) => agents.find('n1', neverAborted),
  ensure: (agents) => agents.ensure(aNewAgent('n1'), neverAborted),
  offline: (agents) => agents.setOffline('n1', 'drain', neverAborted),
  remove: (agents) => agents.remove('n1', neverAborted),
  relabel: (agents) => agents.relabel('n1', 'x', neverAborted),
  test: (agents) => agents.startTestJob('job', 'n1', neverAborted),
};
const NAMES = Object.keys(CALLS);

/** The first byte says which call is made; the rest is what comes back, to it and to all that follow from it. */
export const jenkinsHttp: ByteTarget = {
  kind: 'bytes',
  name: 'jenkins-http',
  about: 'a Jenkins that answers calls with anything, headers included',
  corpus: () =>
    recordedAnswers('jenkins').map(({ bytes }, index) => Buffer.concat([Buffer.from([index % NAMES.length]), bytes])),
  words: [
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 302 \r\nLocation: /login\r\n',
    'Content-Length: ',
    'Transfer-Encoding: chunked\r\n',
    'X-Error: ',
    'Set-Cookie: ',
    '\r\n\r\n',
    'No valid crumb',
    '"crumbRequestField":"',
  ],
  mayThrow: [CredentialsRefusedError, RequestRefusedError, TransientProviderError, UnknownOutcomeError],
  ...sayingPeer(async (input, peer) => {
    peer.answer = () => input.subarray(1);
    const clock = new HastyClock();
    const agents = openAgents(aTarget(`http://127.0.0.1:${peer.port}/ci`), {
      clock,
      log: new RecordingLogger(),
      tasks: new TaskBoard(clock),
    });
    try {
      await agents.isOnline(neverAborted);
      await CALLS[NAMES[(input[0] ?? 0) % NAMES.length] ?? '']?.(agents);
    } finally {
      await agents.close();
    }
  }),
};
