import { definedOnly } from '../../runtime/defined-only.ts';
import type { CloudConfig, CloudNetworkConfig } from '../config.ts';
import type { FaultReport } from '../fault-report.ts';
import { nodeAt, sourceOf } from '../yaml/yaml-node.ts';
import type { YamlMap } from '../yaml/yaml-node.ts';
import { toCloudAuth, versionOf } from './cloud-auth.ts';
import type { ParsedCloud } from './cloud-section.ts';
import type { Clouds } from './load-clouds.ts';

type MergedCloud = {
  readonly name: string;
  readonly parsed: ParsedCloud;
  readonly tree: YamlMap;
  readonly clouds: Clouds;
};

/** The cloud in the words of the OpenStack adapter. Undefined: faults were reported. */
export function toCloudConfig(merged: MergedCloud, report: FaultReport): CloudConfig | undefined {
  const { parsed, tree, clouds } = merged;
  const choices = checkChoices(merged, report);
  const auth = toCloudAuth(parsed, { at: nodeAt(tree, ['auth']).at, name: merged.name }, report);
  if (choices === undefined || auth === undefined) return undefined;
  return definedOnly({
    name: merged.name,
    authUrl: parsed.auth.auth_url?.replaceAll('{region_name}', parsed.region_name ?? ''),
    auth,
    regionName: parsed.region_name,
    ...choices,
    identityApiVersion: versionOf(parsed),
    verify: parsed.verify && !parsed.insecure,
    cacert: parsed.cacert,
    cert: parsed.cert,
    key: parsed.key,
    imageFormat: parsed.image_format,
    imageApiUseTasks: parsed.image_api_use_tasks,
    endpointOverrides: servicesWith(merged, 'endpoint_override'),
    serviceTypes: servicesWith(merged, 'service_type'),
    serviceNames: servicesWith(merged, 'service_name'),
    hasNetworkService: parsed.has_network,
    networks: networksOf(parsed),
    private: parsed.private,
    forceIpv4: parsed.force_ipv4 ?? clouds.forceIpv4,
    serverListAgeMs: clouds.serverListAgeMs,
  });
}

function checkChoices({ parsed, tree, name }: MergedCloud, report: FaultReport) {
  const face = oneOf(['public', 'internal', 'admin'] as const, parsed.interface);
  const source = oneOf(['neutron', 'nova', 'none'] as const, parsed.floating_ip_source?.toLowerCase() ?? 'neutron');
  if (source === undefined) {
    const at = nodeAt(tree, ['floating_ip_source']).at;
    report.fault(at, [name, 'floating_ip_source'], 'Expected "neutron", "nova" or "None"');
  }
  if (face === undefined) {
    report.fault(nodeAt(tree, ['interface']).at, [name, 'interface'], 'Expected "public", "internal" or "admin"');
  }
  if (source === undefined || face === undefined) return undefined;
  return { interface: face, floatingIpSource: parsed.floating_ip_source === undefined ? undefined : source };
}

function oneOf<T extends string>(choices: readonly T[], text: string): T | undefined {
  return choices.find((choice) => choice === text);
}

/** `compute_endpoint_override` and the like, by service. */
function servicesWith({ tree, parsed }: MergedCloud, ending: string): Readonly<Record<string, string>> {
  const services = new Map<string, string>();
  for (const [key, { value }] of tree.entries) {
    const text = sourceOf(value);
    if (!key.endsWith(`_${ending}`) || text === undefined || text === '') continue;
    const service = key.slice(0, -ending.length - 1);
    services.set(service, text.replaceAll('{region_name}', parsed.region_name ?? ''));
  }
  return Object.fromEntries(services);
}

function networksOf(parsed: ParsedCloud): readonly CloudNetworkConfig[] {
  const networks = (parsed.networks ?? []).map((network) => ({
    name: network.name,
    routesExternally: network.routes_externally,
    natDestination: network.nat_destination,
    natSource: network.nat_source,
    defaultInterface: network.default_interface,
  }));
  const older = [
    { name: parsed.external_network, isExternal: true },
    { name: parsed.internal_network, isExternal: false },
  ].flatMap(({ name, isExternal }) =>
    name === undefined
      ? []
      : [
          {
            name,
            routesExternally: isExternal,
            natDestination: !isExternal,
            natSource: false,
            defaultInterface: isExternal,
          },
        ],
  );
  return [...networks, ...older];
}
