import type { DeletionPassDeps } from '../pool/deletion-pass.ts';
import type { LeakPassDeps } from '../pool/leaks/leak-pass.ts';
import { type LaunchPassDeps, nodeTask } from '../pool/launch-pass.ts';
import type { QuotaPassDeps } from '../pool/quota-pass.ts';
import type { RegistrationPassDeps } from '../pool/registration-pass.ts';
import { startDeletion } from '../pool/deletion-pass.ts';
import type { DibPassDeps } from '../dib/dib-pass-deps.ts';
import type { ImagePassDeps } from '../snapshot/image-pass.ts';
import { operatorKeypairs } from '../snapshot/operator-keypairs.ts';
import type { Daemon } from './daemon.ts';
import type { IntakeDeps } from './job-event-intake.ts';

export function launchPassDeps(daemon: Daemon): LaunchPassDeps {
  const { parts } = daemon;
  const { database } = parts;
  return {
    farm: () => parts.clients,
    nodes: database.nodes,
    history: database.history,
    launches: daemon.launches,
    turns: daemon.launchTurns,
    breakers: daemon.breakers,
    log: parts.log.child('NodeLauncher'),
    isFrozen: () => daemon.freeze.isFrozen,
    mayAbandon: () => daemon.leads('allocation'),
    launchDeps: ({ provider, target }, farm, task) => {
      const cloud = farm.cloudOf(provider.name);
      if (cloud === undefined) throw new Error(`Provider "${provider.name}" has no client`);
      return {
        ...parts,
        nodes: database.nodes,
        images: database.images,
        history: database.history,
        installationId: database.installationId,
        cloud,
        agents: farm.agentsOf(target.name),
        log: parts.log.child('NodeLauncher'),
        task,
      };
    },
  };
}

export function registrationPassDeps(daemon: Daemon): RegistrationPassDeps {
  const { parts } = daemon;
  return {
    farm: () => parts.clients,
    nodes: parts.database.nodes,
    launches: daemon.launches,
    complaints: daemon.complaints.registration,
    registerDeps: ({ target, provider }, farm, task) => ({
      findServer: async (id, signal) => {
        const cloud = farm.cloudOf(provider.name);
        if (cloud === undefined) throw new Error(`Provider "${provider.name}" has no client`);
        return await cloud.findServer(id, signal);
      },
      nodes: parts.database.nodes,
      agents: farm.agentsOf(target.name),
      clock: parts.clock,
      log: parts.log.child('NodeLauncher'),
      task,
    }),
  };
}

export function deletionPassDeps(daemon: Daemon): DeletionPassDeps {
  const { parts } = daemon;
  const { database } = parts;
  return {
    farm: () => parts.clients,
    nodes: database.nodes,
    history: database.history,
    launches: daemon.launches,
    deletions: daemon.deletions,
    retries: daemon.retries,
    complaints: daemon.complaints.deletion,
    clock: parts.clock,
    log: parts.log.child('NodeDeleter'),
    deleteDeps: (node, farm, task) => {
      const cloud = farm.cloudOf(node.provider);
      if (cloud === undefined) return undefined;
      return {
        ...parts,
        nodes: database.nodes,
        history: database.history,
        installationId: database.installationId,
        cloud,
        agents: farm.agentsOf(node.target),
        imageOf: (each) => daemon.imageOf(each),
        log: parts.log.child('NodeDeleter'),
        task,
      };
    },
  };
}

export function leakPassDeps(daemon: Daemon): LeakPassDeps {
  const { database, clients, clock, log, metrics } = daemon.parts;
  return {
    farm: () => clients,
    nodes: database.nodes,
    images: database.images,
    ids: database.ids,
    metrics,
    installationId: database.installationId,
    operatorKeypairs: (provider) => operatorKeypairs(clients.providerSection(provider)),
    history: database.history,
    sightings: daemon.leakSightings,
    clock,
    log: log.child('NodePool'),
  };
}

export function quotaPassDeps(daemon: Daemon): QuotaPassDeps {
  const { database, clients, clock, log } = daemon.parts;
  return {
    farm: () => clients,
    eachProvider: daemon.readingQuotas,
    quotas: daemon.quotas,
    breakers: daemon.breakers,
    providerStatus: database.providerStatus,
    installationId: database.installationId,
    clock,
    log: log.child('ProviderManager'),
    onRoomChanged: () => {
      daemon.wakeAllocation.wake();
    },
  };
}

/** @param asksForMissing as ImagePassDeps says */
export function imagePassDeps(daemon: Daemon, asksForMissing: boolean): ImagePassDeps {
  const { parts } = daemon;
  const { database, clients } = parts;
  const log = parts.log.child('SnapshotImageUpdater');
  return {
    ...{ clock: parts.clock, randomness: parts.randomness, metrics: parts.metrics, imageFailures: parts.imageFailures },
    images: database.images,
    imagePauses: database.imagePauses,
    config: () => clients.config,
    cloudOf: (provider) => clients.cloudOf(provider),
    asksForMissing,
    work: daemon.imageWork,
    log: parts.log.child('ImageUpdater'),
    buildDeps: ({ provider, image, cloud }, task) => ({
      ...parts,
      images: database.images,
      installationId: database.installationId,
      cloud,
      log,
      outputLog: parts.log.child(`image.build.${provider}.${image}`),
      operatorKeypairs: operatorKeypairs(clients.providerSection(provider)),
      task,
    }),
  };
}

/** @param asksForMissing as DibPassDeps says */
export function dibPassDeps(daemon: Daemon, asksForMissing: boolean): DibPassDeps {
  const { parts } = daemon;
  const { database, clients } = parts;
  return {
    ...parts,
    images: database.images,
    dibImages: database.dibImages,
    imagePauses: database.imagePauses,
    installationId: database.installationId,
    jobs: daemon.builderJobs,
    config: () => clients.config,
    cloudOf: (provider) => clients.cloudOf(provider),
    asksForMissing,
    work: daemon.dibWork,
  };
}

/** For build events: a finished node's deletion begins at once, without waiting for the database's hint. */
export function jobEventDeps(daemon: Daemon, signal: AbortSignal): IntakeDeps {
  const { parts } = daemon;
  const { clients } = parts;
  return {
    nodes: parts.database.nodes,
    metrics: parts.metrics,
    clock: parts.clock,
    log: parts.log.child('NodeUpdateListener'),
    complaints: daemon.complaints.events,
    testJobOf: ({ target }) => clients.config.targets.find(({ name }) => name === target)?.jenkins?.testJob,
    deleteDelayMs: () => clients.config.deleteDelayMs,
    afterStart: (node, event) => {
      daemon.singleUse.jobStarted(node, event, signal);
    },
    afterFinish: (node) => {
      daemon.demand.markStale();
      if (!daemon.freeze.isFrozen) startDeletion(node, deletionPassDeps(daemon), signal);
    },
    // Beside the events, which must not wait for a Jenkins; reconciliation makes up for what fails.
    admitTested: (node) => {
      daemon.admissions.start(nodeTask(node), signal, async (_task, inner) => {
        await clients.agentsOf(node.target)?.relabel(node.nodename ?? '', node.label, inner);
      });
    },
  };
}
