import { peekJsonBody } from './api-call.ts';
import type { Answer, ApiFailure, Call, Incoming, Route, Service } from './api-call.ts';
import type { Cloud } from './cloud.ts';
import {
  microversionHeaders,
  NEWEST_MICROVERSION,
  requestedMicroversion,
  supportedMinor,
} from './compute-microversion.ts';
import { listComputeProxyRoutes } from './compute-proxies.ts';
import { listFlavorRoutes } from './flavor-routes.ts';
import { refuseAsKeystone } from './identity-service.ts';
import { objectAt, textAt } from './json-value.ts';
import { listKeyPairRoutes } from './keypair-routes.ts';
import { listQuotaRoutes } from './quota-routes.ts';
import { listServerActionRoutes } from './server-actions.ts';
import { listServerRoutes } from './server-routes.ts';
import type { ServerDeps } from './server-routes.ts';
import { identifyCaller } from './token-issuer.ts';

/** The key under which Nova reports an error. */
const KINDS: Readonly<Record<number, string>> = {
  400: 'badRequest',
  403: 'forbidden',
  404: 'itemNotFound',
  409: 'conflictingRequest',
  413: 'overLimit',
  429: 'overLimit',
  503: 'serviceUnavailable',
};

/** Nova 2.1 to 2.93. */
export function buildComputeService(deps: ServerDeps): Service {
  const { cloud } = deps;
  return {
    name: 'compute',
    routes: [
      ...listVersionRoutes(cloud),
      ...listFlavorRoutes(cloud),
      ...listQuotaRoutes(cloud),
      ...listKeyPairRoutes(cloud),
      ...listServerRoutes(deps),
      ...listServerActionRoutes(deps),
      ...listComputeProxyRoutes(cloud),
    ],
    admit: (incoming) => admit(incoming, cloud),
    refuse: (failure, incoming) => refuse(failure, incoming, cloud),
    unknownPath: (incoming) => answerUnknownPath(incoming, cloud),
    headersOf: ({ minor }) => microversionHeaders(`2.${minor}`),
    namesOf: (incoming) => namesOf(incoming, cloud),
  };
}

function admit(incoming: Incoming, cloud: Cloud): Call {
  const caller = identifyCaller(incoming, cloud);
  return { ...incoming, caller, minor: supportedMinor(requestedMicroversion(incoming.headers)) };
}

function refuse(failure: ApiFailure, incoming: Incoming, cloud: Cloud): Answer {
  if (failure.status === 401) return refuseAsKeystone(failure, cloud);
  const kind = KINDS[failure.status] ?? 'computeFault';
  return {
    status: failure.status,
    body: { [kind]: { code: failure.status, message: failure.message } },
    headers: { 'content-type': 'application/json; charset=UTF-8', ...unsupported(failure, incoming) },
  };
}

/** A 406 names the version that was asked for. */
function unsupported(failure: ApiFailure, incoming: Incoming): Readonly<Record<string, string>> {
  return failure.status === 406 ? microversionHeaders(requestedMicroversion(incoming.headers)) : {};
}

/** Names that fault rules may ask for: of the server, of the image to be made, of the key pair. */
function namesOf(incoming: Incoming, cloud: Cloud): string[] {
  const body = peekJsonBody(incoming);
  const server = cloud.servers.find(incoming.params['id'] ?? '');
  const named = [
    server?.name,
    textAt(objectAt(body, 'server'), 'name'),
    textAt(objectAt(body, 'createImage'), 'name'),
    textAt(objectAt(body, 'keypair'), 'name'),
    incoming.params['name'],
  ];
  return named.filter((name) => name !== undefined);
}

function listVersionRoutes(cloud: Cloud): Route[] {
  const document = (): Answer => ({
    status: 200,
    headers: microversionHeaders('2.1'),
    body: { version: { ...currentVersion(cloud), links: documentLinks(cloud), 'media-types': [mediaType('2.1')] } },
  });
  return [
    { method: 'GET', path: '/', open: true, handle: () => listVersions(cloud) },
    { method: 'GET', path: '/v2.1', open: true, handle: document },
    { method: 'GET', path: '/v2.1/', open: true, handle: document },
  ];
}

function currentVersion(cloud: Cloud): Record<string, unknown> {
  return {
    id: 'v2.1',
    status: 'CURRENT',
    version: NEWEST_MICROVERSION,
    min_version: '2.1',
    updated: '2013-07-23T11:33:21Z',
    links: [selfLink(cloud, 'v2.1/')],
  };
}

function documentLinks(cloud: Cloud): unknown[] {
  return [selfLink(cloud, 'v2.1/'), { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' }];
}

function listVersions(cloud: Cloud): Answer {
  const old = { id: 'v2.0', status: 'SUPPORTED', version: '', min_version: '', updated: '2011-01-21T11:33:21Z' };
  return { status: 200, body: { versions: [{ ...old, links: [selfLink(cloud, 'v2/')] }, currentVersion(cloud)] } };
}

/** Below a version: 404 in plain text. Outside of any: a choice of versions. */
function answerUnknownPath(incoming: Incoming, cloud: Cloud): Answer {
  if (incoming.path.startsWith('/v2.1/')) {
    const text = '404 Not Found\n\nThe resource could not be found.\n\n   ';
    return { status: 404, text, headers: { 'content-type': 'text/plain; charset=UTF-8' } };
  }
  const choice = (id: string, status: string, folder: string): unknown => ({
    id,
    status,
    links: [selfLink(cloud, `${folder}${incoming.path}`)],
    'media-types': [mediaType(folder.slice(1))],
  });
  return { status: 300, body: { choices: [choice('v2.0', 'SUPPORTED', 'v2'), choice('v2.1', 'CURRENT', 'v2.1')] } };
}

function selfLink(cloud: Cloud, path: string): unknown {
  return { rel: 'self', href: `${cloud.origins.compute}/${path}` };
}

function mediaType(version: string): unknown {
  return { base: 'application/json', type: `application/vnd.openstack.compute+json;version=${version}` };
}
