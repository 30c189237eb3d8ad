import { ApiFailure } from './api-call.ts';
import type { Caller, Incoming } from './api-call.ts';
import type { TokenRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { isJsonObject, listAt, objectAt, textAt } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import { stableHexId } from './stable-ids.ts';

export const UNAUTHORIZED = 'The request you have made requires authentication.';

/** Who a client proved to be. */
type Proof = {
  readonly userName: string;
  readonly methods: readonly string[];
  /** The token that was traded in. */
  readonly traded?: TokenRecord;
  /** Set by an application credential: no other project is possible. */
  readonly projectName?: string;
};

/**
 * Makes a token for `{"auth": {"identity": …, "scope": …}}` and remembers it.
 * @throws {ApiFailure} 400 for a shape that Keystone does not know, 401 for anything wrong in it
 */
export function issueToken(body: unknown, cloud: Cloud): TokenRecord {
  const auth = objectAt(body, 'auth');
  if (!isJsonObject(auth['identity'])) throw new ApiFailure(400, "'identity' is a required property");
  const proof = proveIdentity(auth['identity'], cloud);
  const user = cloud.options.users.find(({ name }) => name === proof.userName);
  const projectName = proof.projectName ?? findScope(auth['scope'], user?.projects ?? []);
  const now = cloud.nowMs;
  return cloud.tokens.put({
    id: `gAAAAA${cloud.deps.randomness.hex(64)}`,
    userId: stableHexId('user', proof.userName),
    userName: proof.userName,
    ...(projectName === undefined ? {} : { projectName }),
    methods: proof.methods,
    auditIds: [cloud.deps.randomness.hex(11), ...(proof.traded?.auditIds.slice(-1) ?? [])],
    issuedAt: now,
    // A traded token does not live longer than the one it was made from.
    expiresAt: proof.traded?.expiresAt ?? now + cloud.options.tokenLifetimeMs,
  });
}

/** The token of that value, if it is still good. */
export function findToken(value: string | string[] | undefined, cloud: Cloud): TokenRecord | undefined {
  const token = typeof value === 'string' ? cloud.tokens.find(value) : undefined;
  return token !== undefined && token.expiresAt > cloud.nowMs ? token : undefined;
}

/**
 * Who sent the request.
 * @throws {ApiFailure} 401: no token, or none that is good
 */
export function identifyCaller(incoming: Incoming, cloud: Cloud): Caller {
  const token = findToken(incoming.headers['x-auth-token'], cloud);
  if (token === undefined) throw new ApiFailure(401, UNAUTHORIZED);
  const { projectName } = token;
  return {
    tokenId: token.id,
    userId: token.userId,
    userName: token.userName,
    projectId: projectName === undefined ? '' : stableHexId('project', projectName),
    projectName: projectName ?? '',
  };
}

/** Forgets tokens that nobody can use any more. */
export function dropExpiredTokens(cloud: Cloud): void {
  for (const token of cloud.tokens.all()) if (token.expiresAt <= cloud.nowMs) cloud.tokens.remove(token.id);
}

function proveIdentity(identity: JsonObject, cloud: Cloud): Proof {
  const methods = listAt(identity, 'methods');
  if (methods.length === 0) throw new ApiFailure(400, "'methods' is a required property");
  if (methods.includes('password')) return provePassword(objectAt(objectAt(identity, 'password'), 'user'), cloud);
  if (methods.includes('application_credential')) {
    return proveCredential(objectAt(identity, 'application_credential'), cloud);
  }
  if (methods.includes('token')) return proveToken(textAt(objectAt(identity, 'token'), 'id'), cloud);
  throw new ApiFailure(401, UNAUTHORIZED);
}

function provePassword(given: JsonObject, cloud: Cloud): Proof {
  const user = cloud.options.users.find(({ name }) => isNamed(given, 'user', name));
  if (user === undefined || user.password.reveal() !== textAt(given, 'password'))
    throw new ApiFailure(401, UNAUTHORIZED);
  return { userName: user.name, methods: ['password'] };
}

function proveCredential(given: JsonObject, cloud: Cloud): Proof {
  const id = textAt(given, 'id');
  const found = cloud.options.applicationCredentials.find((each) =>
    id === undefined
      ? each.name === textAt(given, 'name') && isNamed(objectAt(given, 'user'), 'user', each.user)
      : each.id === id,
  );
  if (found === undefined || found.secret.reveal() !== textAt(given, 'secret')) throw new ApiFailure(401, UNAUTHORIZED);
  return { userName: found.user, methods: ['application_credential'], projectName: found.project };
}

function proveToken(value: string | undefined, cloud: Cloud): Proof {
  const traded = findToken(value, cloud);
  if (traded === undefined) throw new ApiFailure(401, UNAUTHORIZED);
  const methods = ['token', ...traded.methods.filter((method) => method !== 'token')];
  return { userName: traded.userName, methods, traded };
}

/** The project of the scope that was asked for; undefined for none. */
function findScope(scope: unknown, allowed: readonly string[]): string | undefined {
  if (!isJsonObject(scope)) return undefined;
  const given = objectAt(scope, 'project');
  const project = allowed.find((name) => isNamed(given, 'project', name));
  if (project === undefined) throw new ApiFailure(401, UNAUTHORIZED);
  return project;
}

/** Whether `{id}` or `{name, domain}` means the thing called `name` in the one domain there is. */
function isNamed(given: JsonObject, kind: string, name: string): boolean {
  const id = textAt(given, 'id');
  if (id !== undefined) return id === stableHexId(kind, name);
  const domain = objectAt(given, 'domain');
  return textAt(given, 'name') === name && (textAt(domain, 'id') === 'default' || textAt(domain, 'name') === 'Default');
}
