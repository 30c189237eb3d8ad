import * as z from 'zod';
import type { Port } from '../provider/cloud-provider.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { listOf } from '../runtime/list-of.ts';
import type { ApiCaller } from './api-caller.ts';
import { parseBody } from './parse-body.ts';
import { type Page, queryOf, readPages } from './read-pages.ts';

const PAGE_SIZE = 1000;

const PortBody = z.object({
  id: z.string(),
  name: z.string().nullish(),
  status: z.string().nullish(),
  device_id: z.string().nullish(),
  device_owner: z.string().nullish(),
});
const PortPage = z.object({
  ports: listOf(PortBody),
  ports_links: listOf(z.object({ rel: z.string(), href: z.string() })).optional(),
});
const FIELDS = ['id', 'name', 'status', 'device_id', 'device_owner'].map((field) => `&fields=${field}`).join('');

/** The ports of the project, page by page (contract: A9, A10). None where the cloud has no Neutron. */
export async function listPorts(api: ApiCaller, signal: AbortSignal): Promise<readonly Port[]> {
  if (!(await api.has('network', signal))) return [];
  const project = await api.projectId(signal);
  // An administrator's account would see those of all projects.
  const owner = project === undefined ? '' : `&tenant_id=${encodeURIComponent(project)}`;
  return await readPages((query) => readPage({ query, first: `limit=${PAGE_SIZE}${FIELDS}${owner}` }, api, signal));
}

async function readPage(
  { query, first }: { readonly query: string | undefined; readonly first: string },
  api: ApiCaller,
  signal: AbortSignal,
): Promise<Page<Port> | 'marker-gone'> {
  return await api.call(
    {
      name: 'PortList',
      service: 'network',
      method: 'GET',
      path: `/ports?${query ?? first}`,
      repeatable: true,
      accept: query === undefined ? [] : [400, 404],
      read: (answer) => {
        if (answer.status >= 400) return 'marker-gone';
        const page = parseBody(PortPage, answer);
        const link = page.ports_links?.find((each) => each.rel === 'next')?.href;
        return definedOnly({ items: page.ports.map(toPort), next: queryOf(link) });
      },
    },
    signal,
  );
}

export async function deletePort(id: string, api: ApiCaller, signal: AbortSignal): Promise<void> {
  await api.call(
    {
      name: 'PortDelete',
      service: 'network',
      method: 'DELETE',
      path: `/ports/${encodeURIComponent(id)}`,
      repeatable: true,
      accept: [404],
      read: () => undefined,
    },
    signal,
  );
}

function toPort(body: z.output<typeof PortBody>): Port {
  return {
    id: body.id,
    name: body.name ?? '',
    status: body.status ?? '',
    deviceId: body.device_id ?? '',
    deviceOwner: body.device_owner ?? '',
  };
}
