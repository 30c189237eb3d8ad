import { mapNode, textNode } from '../yaml/yaml-node.ts';
import type { YamlMap, YamlNode } from '../yaml/yaml-node.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** They choose a cloud or steer the search, and make none. */
const NO_CLOUD = new Set(['OS_CLOUD', 'OS_REGION_NAME']);
const STEERING = new Set([
  'OS_CLOUD',
  'OS_CLOUD_NAME',
  'OS_CLIENT_CONFIG_FILE',
  'OS_CLIENT_SECURE_FILE',
  'OS_FORCE_IPV4',
  'OS_PREFER_IPV6',
]);

/** The cloud that the `OS_*` variables describe (os-client-config, _get_os_environ); undefined: they describe none. */
export function environmentCloud(environment: Environment): YamlMap | undefined {
  const values: Record<string, YamlNode> = {};
  let isCloud = false;
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || !isCloudVariable(variable)) continue;
    isCloud ||= !NO_CLOUD.has(variable);
    values[variable.slice('OS_'.length).toLowerCase()] = textNode(value, placeOf(variable));
  }
  return isCloud ? mapNode(values, placeOf('OS_*')) : undefined;
}

/** Where to look for a value of the environment. */
export function placeOf(variable: string) {
  return { file: `environment variable ${variable}`, line: 1, column: 1 };
}

function isCloudVariable(variable: string): boolean {
  return /^OS_(?!TEST|STD)/.test(variable) && !STEERING.has(variable);
}
