import { GearmanAdmin } from '../../src/gearman/gearman-admin.ts';
import { GearmanClient } from '../../src/gearman/gearman-client.ts';
import { GearmanWorker } from '../../src/gearman/gearman-worker.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { DeadlineExceededError, ProtocolError } from '../../src/runtime/errors.ts';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { CountingRandomness } from '../../test/fakes/counting-randomness.ts';
import { neverAborted } from '../../test/fakes/never-aborted.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';
import type { ByteTarget } from '../fuzz-target.ts';
import { type RawPeer, sayingPeer } from '../raw-peer.ts';
import { recordedPackets, recordedTexts } from './gearman-recordings.ts';

const CREATED = recordedPackets().filter((packet) => [8, 13, 14, 25, 28, 12].includes(packet.readUInt32BE(4)));
const MAY_THROW = [Error, ProtocolError, DeadlineExceededError];

function deps() {
  const log = new RecordingLogger();
  return { clock: systemClock, log, randomness: new CountingRandomness(), tasks: new TaskBoard(systemClock) };
}

export const gearmanClient: ByteTarget = {
  kind: 'bytes',
  name: 'gearman-client',
  about: 'a server that answers a submitted job with anything',
  corpus: () => [...CREATED, Buffer.concat(CREATED)],
  words: ['\0REQ', '\0RES', 'H:vm:1', '\xff\xff\xff\xff'],
  mayThrow: MAY_THROW,
  ...sayingPeer(async (input, peer) => {
    const servers = [saying(input, peer)];
    const client = new GearmanClient({ servers, clientId: 'fuzz' }, deps());
    try {
      await client.submit({ function: 'build:unit', data: '', deadlineMs: 10_000 }, neverAborted);
    } finally {
      await client.close();
    }
  }),
};

export const gearmanWorker: ByteTarget = {
  kind: 'bytes',
  name: 'gearman-worker',
  about: 'a server that gives a worker anything to do',
  corpus: () => recordedPackets(),
  words: ['\0REQ', '\0RES', 'build:unit:trusty', '\xff\xff\xff\xff'],
  mayThrow: MAY_THROW,
  ...sayingPeer(async (input, peer) => {
    const server = saying(input, peer);
    const parts = deps();
    const worker = new GearmanWorker({ servers: [server], clientIds: ['fuzz'] }, parts);
    worker.register('build:unit:trusty', () => Promise.resolve({ type: 'complete', result: '' }));
    while (!parts.log.entries.some(({ level }) => level === 'warn')) await systemClock.sleep(1); // it lost the server
    await worker.close();
  }),
};

export const gearmanAdmin: ByteTarget = {
  kind: 'bytes',
  name: 'gearman-admin',
  about: 'a server that answers status, workers and jobs with anything',
  corpus: recordedTexts,
  words: ['\t', '.\n', 'ERR ', 'OK ', '\t0\t0\t0\n'],
  mayThrow: MAY_THROW,
  ...sayingPeer(async (input, peer) => {
    const server = saying(input, peer);
    for (const question of ['status', 'workers', 'showJobs', 'version'] as const) {
      const admin = new GearmanAdmin(server, { clock: systemClock });
      try {
        await admin[question](neverAborted);
      } finally {
        admin.close();
      }
    }
  }),
};

function saying(input: Buffer, peer: RawPeer): { host: string; port: number } {
  peer.answer = () => input;
  return { host: '127.0.0.1', port: peer.port };
}
