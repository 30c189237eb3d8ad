import { openProvider } from '../../src/openstack/open-provider.ts';
import type { CloudProvider } from '../../src/provider/cloud-provider.ts';
import {
  CredentialsRefusedError,
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../../src/provider/errors.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { CountingRandomness } from '../../test/fakes/counting-randomness.ts';
import { HastyClock } from '../../test/fakes/hasty-clock.ts';
import { neverAborted } from '../../test/fakes/never-aborted.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';
import { aProvider } from '../../test/openstack/a-provider.ts';
import { type ByteTarget, promise } from '../fuzz-target.ts';
import { fixture, recordedAnswers } from '../fixtures.ts';
import { sayingPeer } from '../raw-peer.ts';

const ID = '1cdb53d3-cb4f-4999-912f-ec8054660d0a';
const SPEC = { name: 'n1', imageId: ID, minRamMib: 1, metadata: { a: 'b' } };
const ATTEMPT_MS = 5_000;

type Call = (cloud: CloudProvider) => Promise<unknown>;

const CALLS: Readonly<Record<string, Call>> = {
  list: async (cloud) => {
    for (const server of await cloud.listServers(neverAborted)) {
      cloud.addressesOf(server);
      promise(!Number.isNaN(server.createdAt.getTime()), 'A server was created at no time');
    }
  },
  find: (cloud) => cloud.findServer(ID, neverAborted),
  create: (cloud) => cloud.createServer(SPEC, neverAborted),
  delete: (cloud) => cloud.deleteServer(ID, neverAborted),
  console: (cloud) => cloud.readConsole(ID, 10, neverAborted),
  keypairs: (cloud) => cloud.listKeypairs(neverAborted),
  keypair: (cloud) => cloud.createKeypair('k', 'ssh-rsa AAAA', neverAborted),
  image: (cloud) => cloud.findImage(ID, neverAborted),
  images: (cloud) => cloud.listImages(neverAborted),
  snapshot: (cloud) => cloud.createSnapshot(ID, 's', {}, neverAborted),
  limits: (cloud) => cloud.readLimits(neverAborted),
};
const NAMES = Object.keys(CALLS);
/** Below this number the login works, and the answer is to what comes after it. */
const LOGIN = 2 * NAMES.length;

/** The first byte says which call is made, and whether the login is answered with the rest as well. */
export const openstackHttp: ByteTarget = {
  kind: 'bytes',
  name: 'openstack-http',
  about: 'a cloud that answers the login and calls with anything, headers included',
  corpus: () =>
    recordedAnswers('openstack-transcripts').flatMap(({ request, bytes }) =>
      callsFor(request).map((call) => Buffer.concat([Buffer.from([call]), bytes])),
    ),
  words: [
    'HTTP/1.1 200 OK\r\n',
    'HTTP/1.1 403 \r\n',
    'X-Subject-Token: ',
    'Retry-After: 9999999999\r\n',
    'Location: ',
    'Content-Type: application/json\r\n',
    '\r\n\r\n',
    '"rel":"next","href":"?marker=1"',
    'Quota exceeded',
    '"servers":[',
    '"adminPass":"x"',
  ],
  mayThrow: [
    ...[CredentialsRefusedError, QuotaExceededError, RequestRefusedError],
    ...[TransientProviderError, UnknownOutcomeError, DeadlineExceededError],
  ],
  ...sayingPeer(async (input, peer) => {
    const [mode = 0] = input;
    const login = goodLogin(peer.port);
    peer.answer = (request) => (mode < LOGIN && isLogin(request) ? login : input.subarray(1));
    const clock = new HastyClock(ATTEMPT_MS);
    const cloud = openProvider(
      { ...aProvider(`http://127.0.0.1:${peer.port}`), apiTimeoutMs: ATTEMPT_MS },
      { clock, log: new RecordingLogger(), tasks: new TaskBoard(clock), randomness: new CountingRandomness() },
    );
    try {
      await CALLS[NAMES[mode % NAMES.length] ?? '']?.(cloud);
    } finally {
      await cloud.close();
    }
  }),
};

function isLogin(request: Buffer): boolean {
  return request.toString('latin1', 0, 40).startsWith('POST /v3/auth/tokens');
}

function callsFor(request: string): readonly number[] {
  const [method = '', path = ''] = request.split(' ');
  if (path.includes('/auth/tokens')) return [LOGIN, LOGIN + 2];
  const names = NAMES.filter((name) => MATCHES[name]?.test(`${method} ${path}`) === true);
  return (names.length === 0 ? ['find'] : names).map((name) => NAMES.indexOf(name));
}

const MATCHES: Readonly<Record<string, RegExp>> = {
  list: /GET .*servers\/detail/,
  find: /GET .*servers\/[0-9a-f]/,
  create: /POST .*servers$|GET .*flavors/,
  delete: /DELETE .*servers/,
  console: /POST .*action/,
  keypairs: /GET .*os-keypairs/,
  keypair: /POST .*os-keypairs/,
  image: /GET .*images\/[0-9a-f]/,
  images: /GET .*images/,
  snapshot: /POST .*action/,
  limits: /GET .*limits/,
};

function goodLogin(port: number): Buffer {
  const body = fixture('openstack/login.json').replaceAll(/http:\/\/<HOST>:\d+/g, `http://127.0.0.1:${port}`);
  const head = ['HTTP/1.1 201 Created', 'X-Subject-Token: t', 'Content-Type: application/json', 'Connection: close'];
  return Buffer.from([...head, '', body].join('\r\n'));
}
