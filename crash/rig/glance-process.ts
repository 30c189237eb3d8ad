/** A cloud without machines, whose images count, in a process that can be killed. */
import { NoMachinesBackend } from '../../devfarm/openstack/no-machines-backend.ts';
import { startOpenStackEmulator } from '../../devfarm/openstack/start-openstack-emulator.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { systemRandomness } from '../../src/runtime/randomness.ts';
import { RecordingLogger } from '../../test/fakes/recording-logger.ts';
import type { CloudAddress } from './cloud-process.ts';
import { endWithParent } from './end-with-parent.ts';

export type GlanceOptions = { readonly stateDir: string };

const options = JSON.parse(process.argv[2] ?? '{}') as GlanceOptions; // the parent is our own program
const deps = { clock: systemClock, log: new RecordingLogger(), randomness: systemRandomness };
const emulator = await startOpenStackEmulator(
  { stateDir: options.stateDir },
  { ...deps, backend: new NoMachinesBackend() },
);
const { compute, image } = emulator.origins;
const address: CloudAddress = { authUrl: emulator.authUrl, origin: compute, imageOrigin: image };
process.stdout.write(`ready ${JSON.stringify(address)}\n`);
await endWithParent();
