import type { Cloud } from './cloud.ts';
import { STORE } from './object-routes.ts';
import { stableHexId } from './stable-ids.ts';

const INTERFACES = ['public', 'admin', 'internal'] as const;

type CatalogEntry = {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly endpoints: readonly Readonly<Record<string, string>>[];
};

/** Keystone's catalog: which service is where. No url holds a project id. */
export function listCatalog(cloud: Cloud): readonly CatalogEntry[] {
  const { identity, compute, image, network } = cloud.origins;
  return [
    entry(cloud, { type: 'network', name: 'neutron', url: network }),
    entry(cloud, { type: 'identity', name: 'keystone', url: `${identity}/v3` }),
    entry(cloud, { type: 'compute', name: 'nova', url: `${compute}/v2.1` }),
    entry(cloud, { type: 'image', name: 'glance', url: image }),
    // Nothing answers there: plain users are refused anyway.
    ...(cloud.options.imageTasks
      ? [entry(cloud, { type: 'object-store', name: 'swift', url: `${image}${STORE}` })]
      : []),
    entry(cloud, { type: 'placement', name: 'placement', url: `${identity}/placement` }),
  ];
}

function entry(
  cloud: Cloud,
  service: { readonly type: string; readonly name: string; readonly url: string },
): CatalogEntry {
  const { region } = cloud.options;
  return {
    endpoints: INTERFACES.map((face) => ({
      id: stableHexId('endpoint', `${service.type} ${face} ${region}`),
      interface: face,
      region_id: region,
      url: service.url,
      region,
    })),
    id: stableHexId('service', service.type),
    type: service.type,
    name: service.name,
  };
}
