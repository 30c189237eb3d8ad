import { ApiFailure, parseJsonBody } from './api-call.ts';
import type { Answer, Call, Incoming, Route, Service } from './api-call.ts';
import type { TokenRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { identityTime } from './openstack-times.ts';
import { listCatalog } from './service-catalog.ts';
import { stableHexId } from './stable-ids.ts';
import { dropExpiredTokens, findToken, identifyCaller, issueToken } from './token-issuer.ts';

const MALFORMED =
  'Expecting to find valid JSON in request body. The server could not comply with the request since it is either ' +
  'malformed or otherwise incorrect. The client is assumed to be in error.';
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
};
const DOMAIN = { id: 'default', name: 'Default' };

/** Keystone v3: tokens and the catalog. */
export function buildIdentityService(cloud: Cloud): Service {
  return {
    name: 'identity',
    routes: listRoutes(cloud),
    admit: (incoming) => ({ ...incoming, caller: identifyCaller(incoming, cloud), minor: 0 }),
    refuse: (failure) => refuseAsKeystone(failure, cloud),
    unknownPath: (incoming) => refuseAsKeystone(unknownTo(incoming), cloud),
    namesOf: () => [],
  };
}

/** The JSON error that Keystone and, for 401, its middleware in the other services send. */
export function refuseAsKeystone(failure: ApiFailure, cloud: Cloud): Answer {
  const title = TITLES[failure.status] ?? 'Error';
  return {
    status: failure.status,
    body: { error: { code: failure.status, message: failure.message, title } },
    headers: failure.status === 401 ? challenge(cloud) : {},
  };
}

/** The header of every 401. */
export function challenge(cloud: Cloud): Readonly<Record<string, string>> {
  return { 'www-authenticate': `Keystone uri="${cloud.origins.identity}/v3"` };
}

function listRoutes(cloud: Cloud): Route[] {
  const authenticate = (incoming: Incoming): Answer => {
    dropExpiredTokens(cloud);
    const token = issueToken(parseJsonBody(incoming, MALFORMED), cloud);
    return answerToken(token, { status: 201, hasCatalog: !incoming.query.has('nocatalog') }, cloud);
  };
  return [
    { method: 'GET', path: '/', open: true, handle: () => answerVersions(cloud) },
    { method: 'GET', path: '/v3', open: true, handle: () => answerVersion(cloud) },
    { method: 'GET', path: '/v3/', open: true, handle: () => answerVersion(cloud) },
    { method: 'POST', path: '/v3/auth/tokens', open: true, handle: authenticate },
    { method: 'GET', path: '/v3/auth/tokens', handle: (call) => validate(call, cloud) },
    { method: 'HEAD', path: '/v3/auth/tokens', handle: (call) => validate(call, cloud) },
    { method: 'DELETE', path: '/v3/auth/tokens', handle: (call) => revoke(call, cloud) },
    { method: 'GET', path: '/v3/auth/catalog', handle: () => ({ status: 200, body: { catalog: listCatalog(cloud) } }) },
    { method: 'GET', path: '/v3/users', handle: () => forbid('list_users') },
    { method: 'GET', path: '/v3/projects', handle: () => forbid('list_projects') },
    { method: 'GET', path: '/v3/projects/:id', handle: () => forbid('get_project') },
  ];
}

function validate(call: Call, cloud: Cloud): Answer {
  const token = findToken(call.headers['x-subject-token'], cloud);
  if (token === undefined) throw new ApiFailure(404, 'Could not find token.');
  return answerToken(token, { status: 200, hasCatalog: !call.query.has('nocatalog') }, cloud);
}

function revoke(call: Call, cloud: Cloud): Answer {
  const token = findToken(call.headers['x-subject-token'], cloud);
  if (token === undefined) throw new ApiFailure(404, 'Could not find token.');
  // Tokens traded from it are of the same chain, and go with it.
  const chain = token.auditIds.at(-1);
  for (const each of cloud.tokens.all()) if (each.auditIds.at(-1) === chain) cloud.tokens.remove(each.id);
  return { status: 204 };
}

function forbid(action: string): never {
  throw new ApiFailure(403, `You are not authorized to perform the requested action: identity:${action}.`);
}

function unknownTo(incoming: Incoming): ApiFailure {
  return new ApiFailure(
    404,
    `Cannot ${incoming.method} ${incoming.path}: the requested URL was not found on the server.`,
  );
}

type TokenForm = { readonly status: number; readonly hasCatalog: boolean };

function answerToken(token: TokenRecord, form: TokenForm, cloud: Cloud): Answer {
  const { projectName } = token;
  const scope =
    projectName === undefined
      ? {}
      : {
          project: { domain: DOMAIN, id: stableHexId('project', projectName), name: projectName },
          is_domain: false,
          roles: ['member', 'reader'].map((name) => ({ id: stableHexId('role', name), name })),
          ...(form.hasCatalog ? { catalog: listCatalog(cloud) } : {}),
        };
  return {
    status: form.status,
    headers: { 'x-subject-token': token.id },
    body: {
      token: {
        methods: token.methods,
        user: { domain: DOMAIN, id: token.userId, name: token.userName, password_expires_at: null },
        audit_ids: token.auditIds,
        expires_at: identityTime(token.expiresAt),
        issued_at: identityTime(token.issuedAt),
        ...scope,
      },
    },
  };
}

function versionDocument(cloud: Cloud): unknown {
  return {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${cloud.origins.identity}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  };
}

function answerVersions(cloud: Cloud): Answer {
  const headers = { location: `${cloud.origins.identity}/v3/` };
  return { status: 300, headers, body: { versions: { values: [versionDocument(cloud)] } } };
}

function answerVersion(cloud: Cloud): Answer {
  return { status: 200, body: { version: versionDocument(cloud) } };
}
