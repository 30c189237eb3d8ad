import { ApiFailure, parseJsonBody, peekJsonBody } from './api-call.ts';
import type { Answer, Call, Incoming, Route, Service } from './api-call.ts';
import type { Cloud } from './cloud.ts';
import { listFloatingIpRoutes } from './floating-ip-routes.ts';
import { refuseAsKeystone } from './identity-service.ts';
import { objectAt, textAt } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import { networkView, portView, routerView, securityGroupView, subnetView } from './network-views.ts';
import { answerNeutronList } from './neutron-list.ts';
import { makeFreePort, portsOf } from './port-book.ts';
import { identifyCaller } from './token-issuer.ts';

const TYPES: Readonly<Record<number, string>> = {
  400: 'HTTPBadRequest',
  403: 'PolicyNotAuthorized',
  404: 'HTTPNotFound',
  406: 'HTTPNotAcceptable',
  409: 'Conflict',
  429: 'HTTPTooManyRequests',
  500: 'HTTPInternalServerError',
  503: 'HTTPServiceUnavailable',
};
const NOT_ACCEPTABLE =
  'The server could not comply with the request since it is either malformed or otherwise incorrect.';
const RESOURCES = ['network', 'subnet', 'subnetpool', 'port'];

/** Neutron v2.0: networks, ports, floating addresses, and a little of security groups. */
export function buildNetworkService(cloud: Cloud): Service {
  return {
    name: 'network',
    routes: [...listRoutes(cloud), ...listPortRoutes(cloud), ...listGroupRoutes(cloud), ...listFloatingIpRoutes(cloud)],
    admit: (incoming) => admit(incoming, cloud),
    refuse: (failure) => refuse(failure, cloud),
    unknownPath: () => refuse(new ApiFailure(404, 'The resource could not be found.'), cloud),
    namesOf: (incoming) => namesOf(incoming),
  };
}

/**
 * The object under `key` of a request's body.
 * @throws {ApiFailure} 400
 */
export function readNeutronBody(call: Call, key: string): JsonObject {
  return objectAt(parseJsonBody(call, 'Failed to parse request. Malformed request body.'), key);
}

function admit(incoming: Incoming, cloud: Cloud): Call {
  const caller = identifyCaller(incoming, cloud);
  const accept = incoming.headers.accept ?? '*/*';
  if (!/json|\*\/\*|application\/\*/.test(accept)) throw new ApiFailure(406, NOT_ACCEPTABLE);
  return { ...incoming, caller, minor: 0 };
}

function refuse(failure: ApiFailure, cloud: Cloud): Answer {
  if (failure.status === 401) return refuseAsKeystone(failure, cloud);
  const type = failure.type ?? TYPES[failure.status] ?? 'HTTPInternalServerError';
  return { status: failure.status, body: { NeutronError: { type, message: failure.message, detail: '' } } };
}

function namesOf(incoming: Incoming): string[] {
  const body = peekJsonBody(incoming);
  const names = ['port', 'security_group'].map((key) => textAt(objectAt(body, key), 'name'));
  return names.filter((name) => name !== undefined);
}

function listRoutes(cloud: Cloud): Route[] {
  const origin = (): string => cloud.origins.network;
  const seen = (call: Call) => cloud.networksOf(call.caller.projectId);
  const own = (call: Call) => cloud.networks.filter(({ projectId }) => projectId === call.caller.projectId);
  const external = () => cloud.networks.find(({ isExternal }) => isExternal);
  const list = (name: string, viewsOf: (call: Call) => readonly Readonly<Record<string, unknown>>[]) => (call: Call) =>
    answerNeutronList(call, { name, views: viewsOf(call) }, origin());
  const routers = (call: Call) => own(call).filter(({ isExternal }) => !isExternal);
  return [
    { method: 'GET', path: '/', open: true, handle: () => answerVersions(cloud) },
    { method: 'GET', path: '/v2.0', handle: () => answerResources(cloud) },
    { method: 'GET', path: '/v2.0/', handle: () => answerResources(cloud) },
    { method: 'GET', path: '/v2.0/networks', handle: list('networks', (call) => seen(call).map(networkView)) },
    { method: 'GET', path: '/v2.0/networks/:id', handle: (call) => showNetwork(call, cloud) },
    { method: 'GET', path: '/v2.0/subnets', handle: list('subnets', (call) => own(call).map(subnetView)) },
    {
      method: 'GET',
      path: '/v2.0/routers',
      handle: list('routers', (call) => routers(call).map((each) => routerView(each, external()))),
    },
    { method: 'GET', path: '/v2.0/quotas/:project', handle: (call) => showQuota(call, cloud) },
    { method: 'GET', path: '/v2.0/extensions', handle: () => answerExtensions() },
  ];
}

function listPortRoutes(cloud: Cloud): Route[] {
  const views = (call: Call) => portsOf(call.caller.projectId, cloud).map((port) => portView(port, cloud));
  const list = (call: Call) => answerNeutronList(call, { name: 'ports', views: views(call) }, cloud.origins.network);
  const get = (call: Call) => {
    const id = call.params['id'] ?? '';
    const port = portsOf(call.caller.projectId, cloud).find((each) => each.id === id);
    if (port === undefined) throw new ApiFailure(404, `Port ${id} could not be found.`, 'PortNotFound');
    return port;
  };
  const remove = (call: Call): Answer => {
    cloud.ports.remove(get(call).id);
    return { status: 204 };
  };
  const path = '/v2.0/ports/:id';
  return [
    { method: 'GET', path: '/v2.0/ports', handle: list },
    { method: 'POST', path: '/v2.0/ports', handle: (call) => createPort(call, cloud) },
    { method: 'GET', path, handle: (call) => ({ status: 200, body: { port: portView(get(call), cloud) } }) },
    { method: 'DELETE', path, handle: remove },
  ];
}

function listGroupRoutes(cloud: Cloud): Route[] {
  const name = 'security_groups';
  const views = (call: Call) => cloud.securityGroupsOf(call.caller.projectId).map(securityGroupView);
  const path = '/v2.0/security-groups/:id';
  return [
    {
      method: 'GET',
      path: '/v2.0/security-groups',
      handle: (call) => answerNeutronList(call, { name, views: views(call) }, cloud.origins.network),
    },
    { method: 'POST', path: '/v2.0/security-groups', handle: (call) => createGroup(call, cloud) },
    {
      method: 'GET',
      path,
      handle: (call) => ({ status: 200, body: { security_group: securityGroupView(getGroup(call, cloud)) } }),
    },
    { method: 'DELETE', path, handle: (call) => deleteGroup(call, cloud) },
  ];
}

function showNetwork(call: Call, cloud: Cloud): Answer {
  const id = call.params['id'] ?? '';
  const network = cloud.networksOf(call.caller.projectId).find((each) => each.id === id);
  if (network === undefined) throw new ApiFailure(404, `Network ${id} could not be found.`, 'NetworkNotFound');
  return { status: 200, body: { network: networkView(network) } };
}

function createPort(call: Call, cloud: Cloud): Answer {
  const given = readNeutronBody(call, 'port');
  const id = textAt(given, 'network_id');
  if (id === undefined)
    throw new ApiFailure(400, "Failed to parse request. Required attribute 'network_id' not specified");
  const { projectId } = call.caller;
  const network = cloud.networksOf(projectId).find((each) => each.id === id);
  if (network === undefined) throw new ApiFailure(404, `Network ${id} could not be found.`, 'NetworkNotFound');
  const port = makeFreePort({ name: textAt(given, 'name') ?? '', projectId, network }, cloud);
  return { status: 201, body: { port: portView(port, cloud) } };
}

function getGroup(call: Call, cloud: Cloud) {
  const id = call.params['id'] ?? '';
  const group = cloud.securityGroupsOf(call.caller.projectId).find((each) => each.id === id);
  if (group === undefined) throw new ApiFailure(404, `Security group ${id} does not exist`, 'SecurityGroupNotFound');
  return group;
}

function createGroup(call: Call, cloud: Cloud): Answer {
  const given = readNeutronBody(call, 'security_group');
  const { projectId } = call.caller;
  const quota = cloud.quotaOf(projectId).securityGroups;
  if (quota >= 0 && cloud.securityGroupsOf(projectId).length >= quota) {
    throw new ApiFailure(409, "Quota exceeded for resources: ['security_group'].", 'OverQuota');
  }
  const group = cloud.securityGroups.put({
    id: cloud.deps.randomness.uuid(),
    projectId,
    name: textAt(given, 'name') ?? '',
    description: textAt(given, 'description') ?? '',
    createdAt: cloud.nowMs,
  });
  return { status: 201, body: { security_group: securityGroupView(group) } };
}

function deleteGroup(call: Call, cloud: Cloud): Answer {
  const { id, name } = getGroup(call, cloud);
  if (name === 'default') {
    throw new ApiFailure(
      409,
      'Insufficient rights for removing default security group.',
      'SecurityGroupCannotRemoveDefault',
    );
  }
  if (cloud.ports.where(({ securityGroupIds }) => securityGroupIds.includes(id)).length > 0) {
    throw new ApiFailure(409, `Security Group ${id} in use.`, 'SecurityGroupInUse');
  }
  cloud.securityGroups.remove(id);
  return { status: 204 };
}

function showQuota(call: Call, cloud: Cloud): Answer {
  const { ports, floatingIps, securityGroups } = cloud.quotaOf(call.caller.projectId);
  const rest = { network: 20, subnet: 20, subnetpool: -1, router: 5, rbac_policy: 10, security_group_rule: 200 };
  return {
    status: 200,
    body: { quota: { ...rest, port: ports, floatingip: floatingIps, security_group: securityGroups } },
  };
}

function answerVersions(cloud: Cloud): Answer {
  const links = [{ rel: 'self', href: `${cloud.origins.network}/v2.0/` }];
  return { status: 200, body: { versions: [{ id: 'v2.0', status: 'CURRENT', links }] } };
}

function answerResources(cloud: Cloud): Answer {
  const resources = RESOURCES.map((name) => ({
    name,
    collection: `${name}s`,
    links: [{ rel: 'self', href: `${cloud.origins.network}/v2.0/${name}s` }],
  }));
  return { status: 200, body: { resources } };
}

function answerExtensions(): Answer {
  const aliases = [
    'external-net',
    'router',
    'security-group',
    'quotas',
    'port-security',
    'project-id',
    'pagination',
    'sorting',
  ];
  const extensions = aliases.map((alias) => ({
    name: alias,
    alias,
    description: '',
    updated: '2013-01-01T10:00:00-00:00',
    links: [],
  }));
  return { status: 200, body: { extensions } };
}
