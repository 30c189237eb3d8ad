import type { CloudSources, ConfigSources, ConfigText } from '../config-sources.ts';
import type { Position } from '../config-fault.ts';
import type { FaultReport } from '../fault-report.ts';
import { readYaml } from '../yaml/read-yaml.ts';
import { sourceOf, valueOf } from '../yaml/yaml-node.ts';
import type { YamlMap, YamlNode } from '../yaml/yaml-node.ts';
import { mergeClouds, normalizeKeys } from './cloud-map.ts';
import { environmentCloud, placeOf } from './environment-cloud.ts';

/** All clouds that can be named, and what holds for all of them. */
export type Clouds = {
  /** False: nobody looked for clouds.yaml, so none can be missing. */
  readonly known: boolean;
  readonly byName: ReadonlyMap<string, YamlMap>;
  /** The cloud of a provider that names none; undefined: an empty one. */
  readonly preset?: string;
  /** Name of the cloud that the environment makes. */
  readonly environmentName: string;
  readonly publicClouds: YamlMap | undefined;
  readonly forceIpv4: boolean;
  readonly serverListAgeMs?: number;
};

/** clouds.yaml with secure.yaml over it, and the cloud of the environment. */
export function loadClouds(sources: ConfigSources, report: FaultReport): Clouds {
  const environmentName = nonEmpty(sources.environment['OS_CLOUD_NAME']) ?? 'envvars';
  if (sources.clouds === undefined) {
    return { known: false, byName: new Map(), environmentName, publicClouds: undefined, forceIpv4: false };
  }
  const file = readFiles(sources.clouds, report);
  const byName = cloudsIn(valueOf(file, 'clouds'), report);
  const fromEnvironment = environmentCloud(sources.environment);
  const twice = byName.get(environmentName);
  if (fromEnvironment !== undefined) {
    if (twice !== undefined) report.fault(twice.at, ['clouds', environmentName], describeTwice(environmentName));
    byName.set(environmentName, normalizeKeys(fromEnvironment));
  }
  const preset = presetOf(sources.environment, byName, fromEnvironment === undefined ? undefined : environmentName);
  const age = serverListAge(valueOf(file, 'cache'));
  return {
    known: true,
    byName,
    ...(preset === undefined ? {} : { preset }),
    environmentName,
    publicClouds: publicCloudsIn(sources.clouds.publicClouds, report),
    forceIpv4: isForced(sources.environment, valueOf(file, 'client')),
    ...(age === undefined ? {} : { serverListAgeMs: age }),
  };
}

function presetOf(
  environment: ConfigSources['environment'],
  byName: ReadonlyMap<string, YamlMap>,
  environmentName: string | undefined,
): string | undefined {
  return nonEmpty(environment['OS_CLOUD']) ?? environmentName ?? (byName.size === 0 ? 'defaults' : undefined);
}

function readFiles(sources: CloudSources, report: FaultReport): YamlMap {
  const clouds = readMap(sources.clouds, report);
  const secure = readMap(sources.secure, report);
  if (secure === undefined) return clouds ?? emptyMap({ file: 'clouds.yaml', line: 1, column: 1 });
  return clouds === undefined ? secure : mergeClouds(clouds, secure);
}

function readMap(source: ConfigText | undefined, report: FaultReport): YamlMap | undefined {
  if (source === undefined) return undefined;
  const node = readYaml(source, report);
  if (node === undefined || (node.kind === 'scalar' && node.type === 'nothing')) return undefined;
  if (node.kind === 'map') return node;
  report.fault(node.at, [], 'Expected a map at the top of the file');
  return undefined;
}

function cloudsIn(node: YamlNode | undefined, report: FaultReport): Map<string, YamlMap> {
  const clouds = new Map<string, YamlMap>();
  if (node === undefined || (node.kind === 'scalar' && node.type === 'nothing')) return clouds;
  if (node.kind !== 'map') {
    report.fault(node.at, ['clouds'], 'Expected a map of clouds');
    return clouds;
  }
  for (const [name, { value }] of node.entries) {
    if (value.kind === 'map') clouds.set(name, normalizeKeys(value));
    else if (value.kind === 'scalar' && value.type === 'nothing') clouds.set(name, emptyMap(value.at));
    else report.fault(value.at, ['clouds', name], 'Expected a map');
  }
  return clouds;
}

function publicCloudsIn(source: ConfigText | undefined, report: FaultReport): YamlMap | undefined {
  const clouds = valueOf(readMap(source, report), 'public-clouds');
  return clouds?.kind === 'map' ? clouds : undefined;
}

/** Upstream caches each kind of answer for its own time; here only server lists may be shared. */
function serverListAge(cache: YamlNode | undefined): number | undefined {
  if (cache?.kind !== 'map') return undefined;
  const settings = normalizeKeys(cache);
  const own = sourceOf(valueOf(valueOf(settings, 'expiration'), 'server'));
  const age = own ?? sourceOf(valueOf(settings, 'expiration_time')) ?? sourceOf(valueOf(settings, 'max_age'));
  const seconds = Number(age ?? NaN);
  return seconds > 0 && Number.isFinite(seconds) ? Math.round(1000 * seconds) : undefined;
}

function isForced(environment: ConfigSources['environment'], client: YamlNode | undefined): boolean {
  const settings = client?.kind === 'map' ? normalizeKeys(client) : undefined;
  const option = (variable: string, key: string) =>
    (environment[variable] ?? sourceOf(valueOf(settings, key)))?.toLowerCase();
  return option('OS_FORCE_IPV4', 'force_ipv4') === 'true' || option('OS_PREFER_IPV6', 'prefer_ipv6') === 'false';
}

function describeTwice(name: string): string {
  return `Cloud "${name}" stands in the file and is also made by the ${placeOf('OS_CLOUD_NAME').file}: rename one of them`;
}

function emptyMap(at: Position): YamlMap {
  return { kind: 'map', entries: new Map(), at };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}
