import type { CloudAuth } from '../config/config.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { Secret } from '../runtime/secret.ts';

/** The body of `POST /v3/auth/tokens`. It holds secrets: hand it to Keystone only. */
export function credentialsBody(auth: CloudAuth): string {
  return JSON.stringify({ auth: authOf(auth) });
}

/** The secrets in that body. */
export function secretsOf(auth: CloudAuth): readonly Secret[] {
  switch (auth.kind) {
    case 'password':
      return auth.password === undefined ? [] : [auth.password];
    case 'application-credential':
      return [auth.secret];
    case 'token':
      return [auth.token];
  }
}

function authOf(auth: CloudAuth): object {
  switch (auth.kind) {
    case 'password': {
      const user = userOf({ id: auth.userId, name: auth.username }, domainOf(auth.userDomainId, auth.userDomainName));
      const password = { user: { ...user, password: auth.password?.reveal() ?? '' } };
      return { identity: { methods: ['password'], password }, ...scopeOf(auth) };
    }
    case 'application-credential': {
      const owner = userOf({ id: undefined, name: auth.username }, domainOf(undefined, auth.userDomainName));
      const name = auth.id === undefined ? { name: auth.name, user: owner } : { id: auth.id };
      const credential = { ...name, secret: auth.secret.reveal() };
      return { identity: { methods: ['application_credential'], application_credential: credential } };
    }
    case 'token':
      return { identity: { methods: ['token'], token: { id: auth.token.reveal() } }, ...scopeOf(auth) };
  }
}

function userOf(user: { readonly id: string | undefined; readonly name: string | undefined }, domain: object): object {
  return user.id === undefined ? { name: user.name ?? '', domain } : { id: user.id };
}

type Project = {
  readonly projectId?: string;
  readonly projectName?: string;
  readonly projectDomainId?: string;
  readonly projectDomainName?: string;
  readonly userDomainId?: string;
  readonly userDomainName?: string;
};

function scopeOf(auth: Project): object {
  if (auth.projectId !== undefined) return { scope: { project: { id: auth.projectId } } };
  if (auth.projectName === undefined) return {};
  const own = auth.projectDomainId !== undefined || auth.projectDomainName !== undefined;
  const domain = own
    ? domainOf(auth.projectDomainId, auth.projectDomainName)
    : domainOf(auth.userDomainId, auth.userDomainName);
  return { scope: { project: { name: auth.projectName, domain } } };
}

/** Configurations from Identity v2 name no domain; v3 keeps what was in v2 in the domain `default`. */
function domainOf(id: string | undefined, name: string | undefined): object {
  return id === undefined && name === undefined ? { id: 'default' } : definedOnly({ id, name });
}
