import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NoMachinesBackend } from '../../../devfarm/openstack/no-machines-backend.ts';
import { startOpenStackEmulator } from '../../../devfarm/openstack/start-openstack-emulator.ts';
import { systemRandomness } from '../../../src/runtime/randomness.ts';
import { FakeClock } from '../../fakes/fake-clock.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import type { OpenStackSubject, SubjectFault, SubjectOptions, SubjectQuota } from './openstack-subject.ts';
import { sendRaw } from './raw-http.ts';

const FULL_QUOTA = { instances: 20, cores: 80, ramMib: 163_840, keyPairs: 100, floatingIps: 20, ports: 200 };
const FLAVORS = [
  { id: '1', name: 'm1.tiny', ramMib: 512, diskGib: 1, vcpus: 1 },
  { id: '2', name: 'm1.small', ramMib: 2048, diskGib: 20, vcpus: 1 },
  { id: '3', name: 'm1.medium', ramMib: 4096, diskGib: 40, vcpus: 2 },
  { id: '4', name: 'm1.large', ramMib: 8192, diskGib: 80, vcpus: 4 },
];
/** Within the quota, but no host has so much memory. */
const HUGE = { id: 'huge', name: 'huge', ramMib: 120_000, diskGib: 20, vcpus: 1 };
const HOST = { vcpus: 1000, ramMib: 100_000 };

/** The farm's emulator without machines, with a clock that the contract moves. */
export async function openEmulatorSubject(options: SubjectOptions): Promise<OpenStackSubject> {
  const stateDir = await mkdtemp(join(tmpdir(), 'emulator-'));
  const clock = new FakeClock(new Date('2026-11-21T10:00:00Z'));
  const emulator = await startOpenStackEmulator(
    { stateDir, hostCapacity: HOST, flavors: options.hasHugeFlavor === true ? [...FLAVORS, HUGE] : FLAVORS },
    { backend: new NoMachinesBackend(), clock, log: new RecordingLogger(), randomness: systemRandomness },
  );
  const administer = async (method: string, path: string, body: unknown): Promise<void> => {
    const headers = { 'content-type': 'application/json' };
    const url = `${emulator.origins.compute}/_devfarm/${path}`;
    const answer = await sendRaw({ method, url, headers, body: JSON.stringify(body) });
    if (answer.status >= 300) throw new Error(`Cannot prepare the emulator: ${answer.text}`);
  };
  return {
    kind: 'emulator',
    origins: emulator.origins,
    userName: 'nodepool',
    password: 'devfarm',
    projectName: 'nodepool',
    pass: (ms) => clock.advance(ms),
    setQuota: (quota: SubjectQuota) =>
      administer('PUT', 'settings', { quotas: { nodepool: { ...FULL_QUOTA, ...quota } } }),
    failNext: (fault) => administer('POST', 'faults', ruleFor(fault)),
    close: async () => {
      await emulator.close();
      await rm(stateDir, { recursive: true });
    },
  };
}

function ruleFor(fault: SubjectFault): unknown {
  switch (fault.on) {
    case 'build':
      return {
        match: { service: 'compute', method: 'POST', path: '/servers$' },
        count: 1,
        effect: { buildFails: fault.message, buildFailsBy: fault.by },
      };
    case 'delete':
      return { match: { service: 'compute', method: 'DELETE' }, count: 1, effect: { deleteFails: fault.message } };
    case 'snapshot':
      return { match: { action: 'createImage' }, count: 1, effect: { snapshotFails: true } };
  }
}
