import { ApiFailure, parseJsonBody } from './api-call.ts';
import type { Answer, Call, Route } from './api-call.ts';
import type { FloatingIpRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { allocateFloatingIp, bindFloatingIp, refreshShownFloatingLater, releaseFloatingIp } from './floating-book.ts';
import { objectAt, textAt } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import { floatingIpView } from './network-views.ts';
import { answerNeutronList } from './neutron-list.ts';

/** Neutron's floating addresses. */
export function listFloatingIpRoutes(cloud: Cloud): Route[] {
  const path = '/v2.0/floatingips/:id';
  return [
    { method: 'GET', path: '/v2.0/floatingips', handle: (call) => list(call, cloud) },
    { method: 'POST', path: '/v2.0/floatingips', handle: (call) => create(call, cloud) },
    { method: 'GET', path, handle: (call) => answer(200, getFloatingIp(call, cloud), cloud) },
    { method: 'PUT', path, handle: (call) => update(call, cloud) },
    { method: 'DELETE', path, handle: (call) => remove(call, cloud) },
  ];
}

function list(call: Call, cloud: Cloud): Answer {
  const own = cloud.floatingIps.where(({ projectId }) => projectId === call.caller.projectId);
  const views = own.map((floating) => floatingIpView(floating, cloud));
  return answerNeutronList(call, { name: 'floatingips', views }, cloud.origins.network);
}

async function create(call: Call, cloud: Cloud): Promise<Answer> {
  const given = readFloatingIp(call);
  const id = textAt(given, 'floating_network_id');
  if (id === undefined) {
    throw new ApiFailure(400, "Failed to parse request. Required attribute 'floating_network_id' not specified");
  }
  const { projectId } = call.caller;
  const network = cloud.networksOf(projectId).find((each) => each.id === id);
  if (network === undefined) throw new ApiFailure(404, `Network ${id} could not be found.`, 'NetworkNotFound');
  if (!network.isExternal) {
    throw new ApiFailure(400, `Bad floatingip request: Network ${id} is not a valid external network.`, 'BadRequest');
  }
  const floating = allocateFloatingIp({ projectId, network, description: textAt(given, 'description') ?? '' }, cloud);
  const portId = textAt(given, 'port_id');
  if (portId === undefined) return answer(201, floating, cloud);
  try {
    return answer(201, await bind(floating, portId, cloud), cloud);
  } catch (error) {
    // All or nothing.
    cloud.floatingIps.remove(floating.id);
    throw error;
  }
}

async function update(call: Call, cloud: Cloud): Promise<Answer> {
  const floating = getFloatingIp(call, cloud);
  const given = readFloatingIp(call);
  const description = textAt(given, 'description');
  if (description !== undefined) cloud.floatingIps.change(floating.id, { description });
  const current = cloud.floatingIps.find(floating.id) ?? floating;
  if (!('port_id' in given)) return answer(200, current, cloud);
  return answer(200, await bind(current, textAt(given, 'port_id') ?? null, cloud), cloud);
}

async function remove(call: Call, cloud: Cloud): Promise<Answer> {
  const floating = getFloatingIp(call, cloud);
  await releaseFloatingIp(floating, cloud);
  refreshShownFloatingLater([floating.portId], cloud);
  return { status: 204 };
}

async function bind(floating: FloatingIpRecord, portId: string | null, cloud: Cloud): Promise<FloatingIpRecord> {
  const bound = await bindFloatingIp(floating, portId, cloud);
  refreshShownFloatingLater([floating.portId, portId], cloud);
  return bound;
}

function readFloatingIp(call: Call): JsonObject {
  return objectAt(parseJsonBody(call, 'Failed to parse request. Malformed request body.'), 'floatingip');
}

function getFloatingIp(call: Call, cloud: Cloud): FloatingIpRecord {
  const id = call.params['id'] ?? '';
  const floating = cloud.floatingIps.find(id);
  if (floating?.projectId !== call.caller.projectId) {
    throw new ApiFailure(404, `Floating IP ${id} could not be found`, 'FloatingIPNotFound');
  }
  return floating;
}

function answer(status: number, floating: FloatingIpRecord, cloud: Cloud): Answer {
  return { status, body: { floatingip: floatingIpView(floating, cloud) } };
}
