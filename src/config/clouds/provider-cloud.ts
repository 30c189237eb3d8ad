import { mapNode, sourceOf, valueOf } from '../yaml/yaml-node.ts';
import type { YamlMap } from '../yaml/yaml-node.ts';
import { withKeys } from './cloud-map.ts';

const AUTH_KEYS = [
  'username',
  'password',
  'auth-url',
  'project-id',
  'project-name',
  'project-domain-id',
  'project-domain-name',
  'user-domain-id',
  'user-domain-name',
];

/** Keys of which one is enough: a provider that gives one does not inherit the other. */
const ALTERNATIVES = [
  ['project_id', 'project_name'],
  ['project_domain_id', 'project_domain_name'],
  ['user_domain_id', 'user_domain_name'],
] as const;

/** A provider's own keys in the words of clouds.yaml (upstream: _cloudKwargsFromProvider). */
export function providerCloud(provider: YamlMap): YamlMap {
  const auth = AUTH_KEYS.map((key) => [key.replaceAll('-', '_'), valueOf(provider, key)] as const);
  return mapNode(
    {
      auth: mapNode(Object.fromEntries(auth), provider.at),
      compute_service_type: valueOf(provider, 'service-type'),
      compute_service_name: valueOf(provider, 'service-name'),
    },
    provider.at,
  );
}

/** The inherited login without what the provider says in another way. */
export function withoutAlternatives(auth: YamlMap, own: YamlMap): YamlMap {
  const given = (key: string) => sourceOf(valueOf(own, key)) !== undefined;
  const replaced: Record<string, undefined> = {};
  for (const key of ALTERNATIVES.filter((keys) => keys.some(given)).flat()) replaced[key] = undefined;
  return withKeys(auth, replaced);
}
