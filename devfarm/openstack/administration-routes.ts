import { z } from 'zod';
import { ApiFailure, peekJsonBody } from './api-call.ts';
import type { Answer, Incoming, Route } from './api-call.ts';
import type { CallCounter } from './call-counter.ts';
import type { Cloud } from './cloud.ts';
import { LiveSettings } from './emulator-options.ts';
import type { FaultBook } from './fault-book.ts';
import { FaultFile, FaultRule } from './fault-rule.ts';
import { statusOf } from './server-view.ts';
import { stableHexId } from './stable-ids.ts';

export type AdministrationDeps = {
  readonly cloud: Cloud;
  readonly counter: CallCounter;
  readonly faults: FaultBook;
};

/**
 * What a test or an operator of the farm asks the emulator beside OpenStack. Served by every service, without a token,
 * not counted and not subject to fault rules.
 */
export function listAdministrationRoutes(deps: AdministrationDeps): Route[] {
  return [...listFaultRoutes(deps), ...listOverviewRoutes(deps), ...listControlRoutes(deps)];
}

function listFaultRoutes({ faults }: AdministrationDeps): Route[] {
  const path = '/_devfarm/faults';
  const add = (incoming: Incoming): Answer => {
    const body = peekJsonBody(incoming);
    const rules = Array.isArray(body) ? read(FaultFile, body) : [read(FaultRule, body)];
    return { status: 201, body: { rules: faults.add(rules) } };
  };
  const remove = (incoming: Incoming): Answer => {
    faults.remove(incoming.query.get('id') ?? undefined);
    return { status: 204 };
  };
  return [
    { method: 'GET', path, open: true, handle: () => ({ status: 200, body: { rules: faults.list() } }) },
    { method: 'POST', path, open: true, handle: add },
    { method: 'DELETE', path, open: true, handle: remove },
  ];
}

function listOverviewRoutes({ cloud, counter }: AdministrationDeps): Route[] {
  const reset = (): Answer => {
    counter.reset();
    return { status: 204 };
  };
  return [
    { method: 'GET', path: '/_devfarm/calls', open: true, handle: () => ({ status: 200, body: counter.report() }) },
    { method: 'DELETE', path: '/_devfarm/calls', open: true, handle: reset },
    { method: 'GET', path: '/_devfarm/servers', open: true, handle: () => ({ status: 200, body: overview(cloud) }) },
  ];
}

function listControlRoutes({ cloud }: AdministrationDeps): Route[] {
  const settings = (): Answer => ({
    status: 200,
    body: {
      timings: cloud.timings,
      quotas: Object.fromEntries(cloud.options.projects.map(({ name }) => [name, quota(name)])),
    },
  });
  const quota = (name: string): unknown => cloud.quotaOf(stableHexId('project', name));
  const change = (incoming: Incoming): Answer => {
    cloud.changeSettings(read(LiveSettings, peekJsonBody(incoming)));
    return settings();
  };
  const revokeAll = (): Answer => {
    for (const { id } of cloud.tokens.all()) cloud.tokens.remove(id);
    return { status: 204 };
  };
  return [
    { method: 'GET', path: '/_devfarm/settings', open: true, handle: settings },
    { method: 'PUT', path: '/_devfarm/settings', open: true, handle: change },
    { method: 'DELETE', path: '/_devfarm/tokens', open: true, handle: revokeAll },
  ];
}

/** Everything that could be left behind, of all projects. */
function overview(cloud: Cloud): unknown {
  const servers = cloud.servers.where(({ isGone }) => !isGone);
  const seeds = new Set(cloud.options.images.map(({ name }) => name));
  return {
    servers: servers.map((server) => ({
      id: server.id,
      name: server.name,
      project_id: server.projectId,
      status: statusOf(server),
      task_state: server.taskState,
      image: server.imageId,
      address: server.portIds.map((id) => cloud.ports.find(id)?.address)[0] ?? null,
      age_s: (cloud.nowMs - server.createdAt) / 1000,
      metadata: server.metadata,
    })),
    images: cloud.images
      .where(({ name, visibility }) => !(visibility === 'public' && seeds.has(name ?? '')))
      .map(({ id, name, status, diskFormat, properties }) => ({
        ...{ id, name, status, disk_format: diskFormat },
        properties,
      })),
    floating_ips: cloud.floatingIps.all().map(({ id, address, portId }) => ({ id, address, port_id: portId })),
    ports: cloud.ports.all().map(({ id, name, deviceId, address }) => ({ id, name, device_id: deviceId, address })),
    keypairs: cloud.keyPairs.all().map(({ name }) => name),
  };
}

/** @throws {ApiFailure} 400, naming what is wrong */
function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new ApiFailure(400, z.prettifyError(parsed.error));
  return parsed.data;
}
