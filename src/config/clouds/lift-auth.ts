import { sourceOf, valueOf } from '../yaml/yaml-node.ts';
import type { YamlMap, YamlNode } from '../yaml/yaml-node.ts';
import { withKeys } from './cloud-map.ts';

/** Keys of `auth` and their older names, the stronger name first. */
const AUTH_NAMES: Readonly<Record<string, readonly string[]>> = {
  auth_url: ['auth_url'],
  username: ['username', 'user_name'],
  user_id: ['user_id'],
  password: ['password'],
  token: ['token', 'auth_token'],
  project_id: ['project_id', 'tenant_id'],
  project_name: ['project_name', 'tenant_name'],
  user_domain_id: ['user_domain_id'],
  user_domain_name: ['user_domain_name'],
  project_domain_id: ['project_domain_id'],
  project_domain_name: ['project_domain_name'],
  domain_id: ['domain_id'],
  domain_name: ['domain_name'],
  application_credential_id: ['application_credential_id'],
  application_credential_name: ['application_credential_name'],
  application_credential_secret: ['application_credential_secret'],
};

/**
 * `auth` with what stands one level up in the cloud (os-client-config, _fix_backwards_project, _validate_auth and
 * _handle_domain_id): `auth` wins over the cloud's own keys, new names over old ones; one domain stands for both.
 */
export function liftAuth(cloud: YamlMap, empty: YamlMap): YamlMap {
  const given = valueOf(cloud, 'auth');
  const auth = given?.kind === 'map' ? given : empty;
  const lifted: Record<string, YamlNode | undefined> = {};
  for (const [key, names] of Object.entries(AUTH_NAMES)) {
    lifted[key] = names
      .flatMap((name) => [valueOf(auth, name), valueOf(cloud, name)])
      .find((node) => node !== undefined && sourceOf(node) !== '');
  }
  for (const key of ['domain_id', 'domain_name']) {
    const domain = lifted[key];
    lifted[`user_${key}`] ??= domain;
    lifted[`project_${key}`] ??= domain;
  }
  return withKeys(auth, lifted);
}
