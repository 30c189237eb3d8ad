import { definedOnly } from '../../runtime/defined-only.ts';
import { Secret } from '../../runtime/secret.ts';
import type { CloudAuth } from '../config.ts';
import type { Position } from '../config-fault.ts';
import type { FaultReport } from '../fault-report.ts';
import type { ParsedCloud } from './cloud-section.ts';

const KINDS: ReadonlyMap<string, CloudAuth['kind']> = new Map([
  ['password', 'password'],
  ['v2password', 'password'],
  ['v3password', 'password'],
  ['token', 'token'],
  ['v2token', 'token'],
  ['v3token', 'token'],
  ['v3applicationcredential', 'application-credential'],
]);

type Place = { readonly at: Position; readonly name: string };

/** How to log in. Undefined: a fault. */
export function toCloudAuth(cloud: ParsedCloud, place: Place, report: FaultReport): CloudAuth | undefined {
  const kind = kindOf(cloud);
  if (kind === undefined) {
    const known = [...KINDS.keys()].map((type) => `"${type}"`).join(', ');
    report.fault(
      place.at,
      [place.name, 'auth_type'],
      `Unknown auth_type "${cloud.auth_type}": expected one of ${known}`,
    );
    return undefined;
  }
  const auth = kind === 'password' ? passwordAuth(cloud) : kind === 'token' ? tokenAuth(cloud) : credentialAuth(cloud);
  if (auth === undefined) {
    const missing = kind === 'token' ? 'token' : 'application_credential_secret';
    report.fault(place.at, [place.name, 'auth'], `Required key "${missing}" is missing`);
  }
  return auth;
}

/** `2` or `3` if the cloud asks for one; absent: discovered. */
export function versionOf(cloud: ParsedCloud): '2' | '3' | undefined {
  const [, version] = /^v?([23])/.exec(cloud.auth_type) ?? /^v?([23])/.exec(cloud.identity_api_version ?? '') ?? [];
  return version === '2' || version === '3' ? version : undefined;
}

/** A cloud that holds another secret than a password need not say so. */
function kindOf({ auth, auth_type: type }: ParsedCloud): CloudAuth['kind'] | undefined {
  const kind = KINDS.get(type);
  if (type !== 'password' || auth.password !== undefined) return kind;
  if (auth.application_credential_secret !== undefined) return 'application-credential';
  return auth.token === undefined ? kind : 'token';
}

function passwordAuth({ auth }: ParsedCloud): CloudAuth {
  return definedOnly({
    kind: 'password' as const,
    username: auth.username,
    userId: auth.user_id,
    password: secretOf(auth.password),
    projectId: auth.project_id,
    projectName: auth.project_name,
    userDomainId: auth.user_domain_id,
    userDomainName: auth.user_domain_name,
    projectDomainId: auth.project_domain_id,
    projectDomainName: auth.project_domain_name,
  });
}

function tokenAuth({ auth }: ParsedCloud): CloudAuth | undefined {
  const token = secretOf(auth.token);
  if (token === undefined) return undefined;
  return definedOnly({ kind: 'token' as const, token, projectId: auth.project_id, projectName: auth.project_name });
}

function credentialAuth({ auth }: ParsedCloud): CloudAuth | undefined {
  const secret = secretOf(auth.application_credential_secret);
  if (secret === undefined) return undefined;
  return definedOnly({
    kind: 'application-credential' as const,
    id: auth.application_credential_id,
    name: auth.application_credential_name,
    secret,
    username: auth.username,
    userDomainName: auth.user_domain_name,
  });
}

function secretOf(text: string | undefined): Secret | undefined {
  return text === undefined ? undefined : new Secret(text);
}
