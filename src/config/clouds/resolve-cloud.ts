import type { CloudConfig } from '../config.ts';
import type { FaultReport } from '../fault-report.ts';
import { describeNode } from '../schema/describe-issue.ts';
import { parseSection } from '../schema/parse-section.ts';
import { nearestKey } from '../schema/nearest-key.ts';
import { webAddressFault } from '../web-address.ts';
import { nodeAt, sourceOf, textNode, valueOf } from '../yaml/yaml-node.ts';
import type { YamlMap, YamlNode } from '../yaml/yaml-node.ts';
import { chooseRegion } from './choose-region.ts';
import { normalizeKeys, overlayCloud, shippedMap, withKeys } from './cloud-map.ts';
import { CloudSection } from './cloud-section.ts';
import { liftAuth } from './lift-auth.ts';
import type { Clouds } from './load-clouds.ts';
import { providerCloud, withoutAlternatives } from './provider-cloud.ts';
import { toCloudConfig } from './to-cloud-config.ts';
import { VENDOR_PROFILES } from './vendor-profiles.ts';

export type ResolvedCloud = {
  readonly cloud: CloudConfig;
  readonly imageFormat: string;
  readonly apiTimeoutSeconds?: number;
};

/**
 * The cloud of a provider (os-client-config, get_one_cloud): vendor profile, entry of clouds.yaml, region, and the
 * provider's own keys on top. Undefined: faults were reported.
 */
export function resolveCloud(provider: YamlMap, clouds: Clouds, report: FaultReport): ResolvedCloud | undefined {
  const name = nonEmpty(sourceOf(valueOf(provider, 'cloud'))) ?? clouds.preset ?? '';
  const entry = clouds.byName.get(name);
  if (entry === undefined && isMissing(name, clouds)) {
    reportMissing({ name, provider }, clouds, report);
    return undefined;
  }
  const own = entry ?? { ...provider, entries: new Map() };
  const profile = profileOf(own, clouds, report);
  const wanted = valueOf(provider, 'region-name');
  const region = chooseRegion({ cloud: own, profile, cloudName: name, wanted }, report);
  const inherited = region && inherit({ name, layers: [profile, own, region.values], provider }, report);
  if (inherited === undefined) return undefined;
  const merged = overlayProvider(inherited, provider);
  const regionNode = region?.name === undefined ? undefined : textNode(region.name, provider.at);
  const cloud = withKeys(merged, { region_name: regionNode, regions: undefined });
  return read({ name, cloud, provider, clouds }, report);
}

type Layers = { readonly name: string; readonly layers: readonly (YamlMap | undefined)[]; readonly provider: YamlMap };

/** What the provider's own keys are laid on. */
function inherit({ name, layers, provider }: Layers, report: FaultReport): YamlMap | undefined {
  const given = layers.filter((layer) => layer !== undefined).map(normalizeKeys);
  const inherited = given.reduce(overlayCloud, { ...provider, entries: new Map() });
  const auth = valueOf(inherited, 'auth');
  if (auth === undefined || auth.kind === 'map') return inherited;
  report.fault(auth.at, [name, 'auth'], `Expected a map, found ${describeNode(auth, true)}`);
  return undefined;
}

type Merged = {
  readonly name: string;
  readonly cloud: YamlMap;
  readonly provider: YamlMap;
  readonly clouds: Clouds;
};

function read({ name, cloud, provider, clouds }: Merged, report: FaultReport): ResolvedCloud | undefined {
  const settings = keepKnown(withKeys(cloud, withFixedInterface(cloud)));
  const parsed = parseSection({ schema: CloudSection, node: settings, path: [name] }, report);
  if (parsed === undefined) return undefined;
  const config = toCloudConfig({ name, parsed, tree: cloud, clouds }, report);
  if (config === undefined) return undefined;
  if (clouds.known && config.authUrl === undefined) {
    const place = valueOf(provider, 'cloud')?.at ?? provider.at;
    report.fault(place, ['auth-url'], `There is no address of Keystone: give "auth-url", or "auth_url" in clouds.yaml`);
    return undefined;
  }
  checkAuthUrl(config.authUrl, { name, cloud, provider }, report);
  return {
    cloud: config,
    imageFormat: parsed.image_format,
    ...(parsed.api_timeout === undefined || parsed.api_timeout === 0 ? {} : { apiTimeoutSeconds: parsed.api_timeout }),
  };
}

function checkAuthUrl(
  authUrl: string | undefined,
  { name, cloud, provider }: Pick<Merged, 'name' | 'cloud' | 'provider'>,
  report: FaultReport,
): void {
  const example = 'https://keystone.example.org:5000/v3';
  const fault = authUrl === undefined ? undefined : webAddressFault(authUrl, { example });
  if (fault === undefined) return;
  const { at } = nodeAt(cloud, ['auth', 'auth_url']);
  const path = valueOf(provider, 'auth-url') === undefined ? [name, 'auth', 'auth_url'] : ['auth-url'];
  report.fault(at, path, fault);
}

/** The provider's login wins key by key; what it leaves out is inherited. */
function overlayProvider(inherited: YamlMap, provider: YamlMap): YamlMap {
  const own = providerCloud(provider);
  const empty: YamlMap = { ...provider, entries: new Map() };
  const ownAuth = valueOf(own, 'auth');
  const auth = liftAuth(inherited, empty);
  return overlayCloud(
    withKeys(inherited, { auth: ownAuth?.kind === 'map' ? withoutAlternatives(auth, ownAuth) : auth }),
    own,
  );
}

function profileOf(cloud: YamlMap, clouds: Clouds, report: FaultReport): YamlMap | undefined {
  const node = valueOf(cloud, 'profile') ?? valueOf(cloud, 'cloud');
  const name = nonEmpty(sourceOf(node));
  if (node === undefined || name === undefined || name === clouds.environmentName) return undefined;
  const own = valueOf(clouds.publicClouds, name);
  if (own?.kind === 'map') return normalizeKeys(own);
  const shipped = VENDOR_PROFILES.get(name);
  if (shipped !== undefined) return shippedMap(shipped, node.at);
  const near = nearestKey(name, [...VENDOR_PROFILES.keys()]);
  const hint = near === undefined ? '' : `: did you mean "${near}"?`;
  report.warn(node.at, ['profile'], `Unknown vendor profile "${name}" is ignored${hint}`);
  return undefined;
}

function isMissing(name: string, clouds: Clouds): boolean {
  return clouds.known && name !== '' && name !== 'defaults';
}

function reportMissing(
  { name, provider }: { name: string; provider: YamlMap },
  clouds: Clouds,
  report: FaultReport,
): void {
  const known = [...clouds.byName.keys()].map((one) => `"${one}"`).join(', ');
  const place = valueOf(provider, 'cloud') ?? provider;
  report.fault(place.at, ['cloud'], `Unknown cloud "${name}": clouds.yaml has ${known === '' ? 'none' : known}`);
}

/** Older names of keys, replaced. */
function withFixedInterface(cloud: YamlMap): Readonly<Record<string, YamlNode | undefined>> {
  const given = valueOf(cloud, 'interface') ?? valueOf(cloud, 'endpoint_type');
  const type = valueOf(cloud, 'auth_type') ?? valueOf(cloud, 'auth_plugin');
  const text = sourceOf(given)?.replace(/URL$/i, '');
  return {
    interface: given === undefined || text === undefined ? undefined : textNode(text, given.at),
    auth_type: type,
  };
}

/** clouds.yaml is shared with other programs: keys that are not ours are no mistakes. */
function keepKnown(cloud: YamlMap): YamlMap {
  const auth = valueOf(cloud, 'auth');
  const known = keepKeys(cloud, Object.keys(CloudSection.shape));
  const authKeys = Object.keys(CloudSection.shape.auth.unwrap().shape);
  return auth?.kind === 'map' ? withKeys(known, { auth: keepKeys(auth, authKeys) }) : known;
}

function keepKeys(map: YamlMap, keys: readonly string[]): YamlMap {
  return { ...map, entries: new Map([...map.entries].filter(([key]) => keys.includes(key))) };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
