import { ApiFailure } from './api-call.ts';
import type { Answer, Call, Route } from './api-call.ts';
import type { Cloud } from './cloud.ts';
import { cutPage, linksTo } from './compute-paging.ts';
import type { Flavor } from './emulator-options.ts';

/** Nova's flavors: read only. */
export function listFlavorRoutes(cloud: Cloud): Route[] {
  return [
    { method: 'GET', path: '/v2.1/flavors', handle: (call) => list(call, briefView, cloud) },
    { method: 'GET', path: '/v2.1/flavors/detail', handle: (call) => list(call, fullView, cloud) },
    { method: 'GET', path: '/v2.1/flavors/:id', handle: (call) => show(call, cloud) },
    { method: 'GET', path: '/v2.1/flavors/:id/os-extra_specs', handle: (call) => showSpecs(call, cloud) },
  ];
}

type View = (flavor: Flavor, call: Call, cloud: Cloud) => Record<string, unknown>;

function list(call: Call, view: View, cloud: Cloud): Answer {
  const minRam = Number(call.query.get('minRam') ?? 0);
  const minDisk = Number(call.query.get('minDisk') ?? 0);
  const fitting = cloud.options.flavors.filter(({ ramMib, diskGib }) => ramMib >= minRam && diskGib >= minDisk);
  const page = cutPage(fitting, call, { origin: cloud.origins.compute, maxItems: cloud.options.maxLimit });
  const flavors = page.items.map((flavor) => view(flavor, call, cloud));
  return { status: 200, body: { flavors, ...(page.links.length > 0 ? { flavors_links: page.links } : {}) } };
}

function show(call: Call, cloud: Cloud): Answer {
  const flavor = fullView(getFlavor(call, cloud), call, cloud);
  return { status: 200, body: { flavor: { ...flavor, ...(call.minor >= 61 ? { extra_specs: {} } : {}) } } };
}

function showSpecs(call: Call, cloud: Cloud): Answer {
  getFlavor(call, cloud);
  return { status: 200, body: { extra_specs: {} } };
}

function getFlavor(call: Call, cloud: Cloud): Flavor {
  const id = call.params['id'] ?? '';
  const flavor = cloud.options.flavors.find((each) => each.id === id);
  if (flavor === undefined) throw new ApiFailure(404, `Flavor ${id} could not be found.`);
  return flavor;
}

function briefView(flavor: Flavor, call: Call, cloud: Cloud): Record<string, unknown> {
  return {
    id: flavor.id,
    name: flavor.name,
    links: linksTo(cloud.origins.compute, `flavors/${flavor.id}`),
    ...(call.minor >= 55 ? { description: null } : {}),
  };
}

function fullView(flavor: Flavor, call: Call, cloud: Cloud): Record<string, unknown> {
  return {
    ...briefView(flavor, call, cloud),
    ram: flavor.ramMib,
    disk: flavor.diskGib,
    swap: call.minor >= 75 ? 0 : '',
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': false,
    vcpus: flavor.vcpus,
    'os-flavor-access:is_public': true,
    rxtx_factor: 1,
  };
}
