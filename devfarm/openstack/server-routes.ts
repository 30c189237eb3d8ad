import { ApiFailure } from './api-call.ts';
import type { Answer, Call, Route } from './api-call.ts';
import { admitServer, checkMetadataCount, usesExternalNetwork } from './admit-server.ts';
import { buildServer } from './build-server.ts';
import type { ServerRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { readComputeBody } from './compute-body.ts';
import { cutPage, linksTo } from './compute-paging.ts';
import { requestDelete } from './delete-server.ts';
import type { FaultEffect } from './fault-rule.ts';
import { objectAt, textAt } from './json-value.ts';
import { bareTime } from './openstack-times.ts';
import { selectServers } from './select-servers.ts';
import { readMetadata, readServerRequest } from './server-request.ts';
import type { ServerTasks } from './server-tasks.ts';
import { addressesOf, briefView, coreView, fullView } from './server-view.ts';
import type { ViewContext } from './server-view.ts';

export type ServerDeps = {
  readonly cloud: Cloud;
  readonly tasks: ServerTasks;
};

/** Nova's servers, all but their actions. */
export function listServerRoutes(deps: ServerDeps): Route[] {
  const { cloud } = deps;
  const one =
    (view: (server: ServerRecord, call: Call) => unknown) =>
    (call: Call): Answer => ({
      status: 200,
      body: view(getServer(call, cloud), call),
    });
  const path = '/v2.1/servers/:id';
  return [
    { method: 'GET', path: '/v2.1/servers', handle: (call) => list(call, briefView, cloud) },
    { method: 'GET', path: '/v2.1/servers/detail', handle: (call) => list(call, fullView, cloud) },
    { method: 'POST', path: '/v2.1/servers', handle: (call) => create(call, deps) },
    { method: 'GET', path, handle: one((server, { minor }) => ({ server: fullView(server, { cloud, minor }) })) },
    { method: 'PUT', path, handle: (call) => rename(call, cloud) },
    { method: 'DELETE', path, handle: (call) => remove(call, deps) },
    { method: 'GET', path: `${path}/ips`, handle: one((server) => ({ addresses: addressesOf(server, cloud) })) },
    { method: 'GET', path: `${path}/os-interface`, handle: one((server) => listInterfaces(server, cloud)) },
    { method: 'GET', path: `${path}/os-instance-actions`, handle: one((server) => listActions(server)) },
    { method: 'GET', path: `${path}/metadata`, handle: one(({ metadata }) => ({ metadata })) },
    { method: 'POST', path: `${path}/metadata`, handle: (call) => mergeMetadata(call, cloud) },
    { method: 'PUT', path: `${path}/metadata`, handle: (call) => replaceMetadata(call, cloud) },
    { method: 'DELETE', path: `${path}/metadata/:key`, handle: (call) => removeMetadata(call, cloud) },
  ];
}

/** @throws {ApiFailure} 404 */
export function getServer(call: Call, cloud: Cloud): ServerRecord {
  const id = call.params['id'] ?? '';
  const server = cloud.findServer(id, call.caller.projectId);
  if (server === undefined) throw new ApiFailure(404, `Instance ${id} could not be found.`);
  return server;
}

function list(call: Call, view: (server: ServerRecord, context: ViewContext) => unknown, cloud: Cloud): Answer {
  const wanted = selectServers(call, cloud);
  const page = cutPage(wanted, call, { origin: cloud.origins.compute, maxItems: cloud.options.maxLimit });
  const servers = page.items.map((server) => view(server, { cloud, minor: call.minor }));
  return { status: 200, body: { servers, ...(page.links.length > 0 ? { servers_links: page.links } : {}) } };
}

function create(call: Call, deps: ServerDeps): Answer {
  const { cloud, tasks } = deps;
  const server = admitServer(readServerRequest(call), call, cloud);
  const effect = usesExternalNetwork(server, cloud)
    ? { ...call.effect, buildFails: 'Failed to allocate the network(s), not rescheduling.' }
    : call.effect;
  beginBuild(server.id, effect, { cloud, tasks });
  const links = linksTo(cloud.origins.compute, `servers/${server.id}`);
  return {
    status: 202,
    headers: { location: links[0].href },
    body: {
      server: {
        id: server.id,
        links,
        'OS-DCF:diskConfig': 'MANUAL',
        security_groups: server.securityGroups.map((name) => ({ name })),
        adminPass: cloud.deps.randomness.hex(6),
      },
    },
  };
}

/** Builds in the background. */
export function beginBuild(serverId: string, effect: FaultEffect, { cloud, tasks }: ServerDeps): void {
  tasks.begin(serverId, 'build', (signal) => buildServer(serverId, { cloud, effect }, signal));
}

function remove(call: Call, deps: ServerDeps): Answer {
  requestDelete(getServer(call, deps.cloud), { ...deps, effect: call.effect });
  return { status: 204, headers: { 'content-type': 'application/json' } };
}

function rename(call: Call, cloud: Cloud): Answer {
  const { id } = getServer(call, cloud);
  const change = objectAt(readComputeBody(call), 'server');
  const name = textAt(change, 'name');
  if (name === '') throw new ApiFailure(400, "Invalid input for field/attribute name. Value: . '' is too short");
  const server = cloud.servers.change(id, { ...(name === undefined ? {} : { name }), updatedAt: cloud.nowMs });
  return { status: 200, body: { server: server === undefined ? {} : coreView(server, { cloud, minor: call.minor }) } };
}

function listInterfaces(server: ServerRecord, cloud: Cloud): unknown {
  const ports = server.portIds.map((id) => cloud.ports.find(id)).filter((port) => port !== undefined);
  return {
    interfaceAttachments: ports.map((port) => ({
      net_id: port.networkId,
      port_id: port.id,
      mac_addr: port.mac,
      port_state: 'ACTIVE',
      fixed_ips: [
        { subnet_id: cloud.networks.find(({ id }) => id === port.networkId)?.subnetId, ip_address: port.address },
      ],
    })),
  };
}

function listActions(server: ServerRecord): unknown {
  const newestFirst = [...server.actions].reverse();
  return {
    instanceActions: newestFirst.map(({ action, requestId, startedAt, message }) => ({
      action,
      instance_uuid: server.id,
      request_id: requestId,
      user_id: server.userId,
      project_id: server.projectId,
      start_time: bareTime(startedAt),
      message,
    })),
  };
}

function mergeMetadata(call: Call, cloud: Cloud): Answer {
  const { metadata } = getServer(call, cloud);
  return storeMetadata({ ...metadata, ...metadataIn(call) }, call, cloud);
}

function replaceMetadata(call: Call, cloud: Cloud): Answer {
  getServer(call, cloud);
  return storeMetadata(metadataIn(call), call, cloud);
}

function metadataIn(call: Call): Record<string, string> {
  return readMetadata(objectAt({ body: readComputeBody(call) }, 'body')['metadata']);
}

function storeMetadata(metadata: Record<string, string>, call: Call, cloud: Cloud): Answer {
  checkMetadataCount(metadata, call, cloud);
  cloud.servers.change(getServer(call, cloud).id, { metadata, updatedAt: cloud.nowMs });
  return { status: 200, body: { metadata } };
}

function removeMetadata(call: Call, cloud: Cloud): Answer {
  const server = getServer(call, cloud);
  const key = call.params['key'] ?? '';
  if (!(key in server.metadata)) throw new ApiFailure(404, 'Metadata item was not found');
  const metadata = Object.fromEntries(Object.entries(server.metadata).filter(([each]) => each !== key));
  cloud.servers.change(server.id, { metadata, updatedAt: cloud.nowMs });
  return { status: 204, headers: { 'content-type': 'application/json' } };
}
