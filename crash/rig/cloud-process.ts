/** The farm's cloud with its machines, in a process that can be killed. The machines outlive it, as real ones would. */
import { InstanceHost, type InstanceHostOptions } from '../../devfarm/instances/instance-host.ts';
import { InstancesBackend } from '../../devfarm/openstack/instances-backend.ts';
import { startOpenStackEmulator } from '../../devfarm/openstack/start-openstack-emulator.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';
import { BASE_IMAGE } from '../../test/peers/instance-host.ts';
import { endWithParent } from './end-with-parent.ts';

export type CloudOptions = {
  readonly machines: Pick<InstanceHostOptions, 'stateDir' | 'network' | 'port'>;
  /** Which machine is which server's. */
  readonly serversDir: string;
  readonly stateDir: string;
  /** Default: an hour. */
  readonly tokenLifetimeMs?: number;
};

export type CloudAddress = {
  readonly authUrl: string;
  /** Of the compute service. */
  readonly origin: string;
  readonly imageOrigin: string;
};

const options = JSON.parse(process.argv[2] ?? '{}') as CloudOptions; // the parent is our own program
const log = new RecordingLogger();
const host = await InstanceHost.open(options.machines, { log });
const backend = new InstancesBackend(options.serversDir, { host, log });
const emulator = await startOpenStackEmulator(
  {
    stateDir: options.stateDir,
    ...(options.tokenLifetimeMs !== undefined && { tokenLifetimeMs: options.tokenLifetimeMs }),
    projects: [{ name: 'nodepool', quota: { instances: 40, cores: 160 } }],
    images: [{ name: 'debian', machineRef: BASE_IMAGE }],
    timings: { buildMs: 50, deleteMs: 20, snapshotMs: 50, deletedVisibleMs: 20, snapshotTailMs: 20 },
  },
  { backend, clock: systemClock, log, randomness: systemRandomness },
);
const { compute, image } = emulator.origins;
const address: CloudAddress = { authUrl: emulator.authUrl, origin: compute, imageOrigin: image };
process.stdout.write(`ready ${JSON.stringify(address)}\n`);
await endWithParent();
