/** The farm's cloud without machines. Notes when calls arrive, before it works on them. */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { NoMachinesBackend } from '../../devfarm/openstack/no-machines-backend.ts';
import { startOpenStackEmulator } from '../../devfarm/openstack/start-openstack-emulator.ts';
import type { EmulatorOptionsInput } from '../../devfarm/openstack/emulator-options.ts';
import { benchDeps } from './bench-deps.ts';
import { BENCH_ACCOUNT } from './farm-text.ts';
import { optionsFromParent, serveParent } from './serve-parent.ts';
import { sharedNowMs } from './stopwatch.ts';

export type CloudOptions = Pick<EmulatorOptionsInput, 'stateDir' | 'timings' | 'keepImageData'> & {
  /** Default: one. */
  readonly projectNames?: readonly string[];
};

export type CloudAddress = {
  readonly authUrl: string;
  /** Where `/_devfarm/…` is. */
  readonly origin: string;
  /** An image from which servers can be made. */
  readonly imageId: string;
};

/** A create or delete call for a server. `atMs`: of the shared clock. */
export type ServerCall = { readonly method: 'POST' | 'DELETE'; readonly path: string; readonly atMs: number };

const IMAGE_ID = '21008f49-e8aa-4f6f-9f10-613ce2764531';
const NO_LIMIT = 1_000_000;

const serverCalls: ServerCall[] = [];
subscribe('http.server.request.start', (message) => {
  const { request } = message as { readonly request: IncomingMessage }; // Node's documented shape
  const { method, url: path = '' } = request;
  if ((method === 'POST' && path.endsWith('/servers')) || (method === 'DELETE' && path.includes('/servers/'))) {
    serverCalls.push({ method, path, atMs: sharedNowMs() });
  }
});

const { user, password, project } = BENCH_ACCOUNT;
const { projectNames = [project], ...options } = optionsFromParent() as CloudOptions; // the parent is our own program
const quota = { instances: NO_LIMIT, cores: NO_LIMIT, ramMib: 1000 * NO_LIMIT, ports: NO_LIMIT };
const emulator = await startOpenStackEmulator(
  {
    ...options,
    projects: projectNames.map((name) => ({ name, quota })),
    users: [{ name: user, password, projects: [...projectNames] }],
    networks: [{ name: 'private', shared: true, cidr: '10.50.0.0/16' }],
    images: [{ name: 'base-test', id: IMAGE_ID }],
  },
  { ...benchDeps(), backend: new NoMachinesBackend() },
);
serveParent({ authUrl: emulator.authUrl, origin: emulator.origins.compute, imageId: IMAGE_ID } satisfies CloudAddress, {
  serverCalls: () => serverCalls,
});
