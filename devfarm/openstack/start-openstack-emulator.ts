/** An OpenStack cloud in one process, for tests and for a farm on one machine: Keystone, Nova, Glance and Neutron. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import type { Randomness } from '../../src/runtime/randomness.ts';
import { listAdministrationRoutes } from './administration-routes.ts';
import { SERVICES } from './api-call.ts';
import type { Service, ServiceName } from './api-call.ts';
import { CallCounter } from './call-counter.ts';
import { Cloud } from './cloud.ts';
import { buildComputeService } from './compute-service.ts';
import { parseEmulatorOptions } from './emulator-options.ts';
import type { EmulatorOptionsInput } from './emulator-options.ts';
import { FaultBook } from './fault-book.ts';
import { buildIdentityService } from './identity-service.ts';
import { buildImageService } from './image-service.ts';
import { Journal } from './journal.ts';
import type { MachineBackend } from './machine-backend.ts';
import { buildNetworkService } from './network-service.ts';
import { loadPorts, savePorts } from './port-memory.ts';
import { resumeWork, seedImages } from './restore-cloud.ts';
import { ServerTasks } from './server-tasks.ts';
import { buildListener } from './service-listener.ts';

export type EmulatorDeps = {
  /** What stands behind the servers: real instances, or `NoMachinesBackend`. It is not closed by the emulator. */
  readonly backend: MachineBackend;
  readonly clock: Clock;
  readonly log: Logger;
  readonly randomness: Randomness;
};

export type OpenStackEmulator = {
  /** What clouds.yaml takes as `auth_url`: `http://127.0.0.1:PORT/v3`. */
  readonly authUrl: string;
  /** Base URL of each service, without a path. Each serves `/_devfarm/…` too. */
  readonly origins: Readonly<Record<ServiceName, string>>;
  /** Ends all connections and background work. Machines run on, and the next start takes them over. */
  readonly close: () => Promise<void>;
};

/**
 * Starts the emulator on what its folder remembers, or from nothing. A cloud killed at any moment goes on from there.
 * @throws {z.ZodError} an option is wrong
 * @throws a port is taken, or the folder cannot be written
 */
export async function startOpenStackEmulator(
  input: EmulatorOptionsInput,
  deps: EmulatorDeps,
): Promise<OpenStackEmulator> {
  const options = parseEmulatorOptions(input);
  const closing = new AbortController();
  const { signal } = closing;
  const journal = new Journal(options.stateDir);
  const cloud = new Cloud(options, journal, { ...deps, signal });
  journal.compact();
  const tasks = new ServerTasks(deps.log);
  const listeners = buildListeners({ cloud, tasks }, { ...deps, signal });
  const stop = async (): Promise<void> => {
    closing.abort();
    await Promise.all([...listeners.values()].map((app) => app.close()));
    await tasks.close();
    journal.close();
  };
  try {
    seedImages(cloud);
    await resumeWork({ cloud, tasks });
    await listen(listeners, cloud);
  } catch (error) {
    await stop();
    throw error;
  }
  return { authUrl: `${cloud.origins.identity}/v3`, origins: { ...cloud.origins }, close: stop };
}

type Listeners = ReadonlyMap<ServiceName, FastifyInstance>;

function buildListeners(
  farm: { readonly cloud: Cloud; readonly tasks: ServerTasks },
  deps: EmulatorDeps & { readonly signal: AbortSignal },
): Listeners {
  const { cloud } = farm;
  const counter = new CallCounter();
  const faults = new FaultBook(cloud.options.stateDir, deps);
  const administration = listAdministrationRoutes({ cloud, counter, faults });
  const services: Service[] = [
    buildIdentityService(cloud),
    buildComputeService(farm),
    buildImageService(cloud),
    buildNetworkService(cloud),
  ];
  return new Map(
    services.map((service) => [service.name, buildListener(service, administration, { ...deps, counter, faults })]),
  );
}

/** Clients keep a catalog for an hour, so a restart must find the ports of before. */
async function listen(listeners: Listeners, cloud: Cloud): Promise<void> {
  const { host, ports, stateDir } = cloud.options;
  const before = loadPorts(stateDir);
  const used: Partial<Record<ServiceName, number>> = {};
  for (const name of SERVICES) {
    const app = listeners.get(name);
    if (app === undefined) continue;
    const origin = await app.listen({ host, port: ports[name] === 0 ? (before[name] ?? 0) : ports[name] });
    cloud.origins[name] = origin;
    used[name] = Number(new URL(origin).port);
  }
  savePorts(stateDir, used);
}
