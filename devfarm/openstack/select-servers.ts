import { ApiFailure } from './api-call.ts';
import type { Call } from './api-call.ts';
import type { ServerRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { isJsonObject } from './json-value.ts';
import { forbidByPolicy } from './quota-routes.ts';
import { statusOf } from './server-view.ts';

type Filter = (server: ServerRecord) => boolean;

/** Filters of a list of servers by query parameter. Nova ignores what it does not know. */
const FILTERS: Readonly<Record<string, (value: string) => Filter>> = {
  // Nova takes it as a regular expression that is found anywhere.
  name: (value) => {
    const pattern = patternOf(value);
    return ({ name }) => pattern.test(name);
  },
  status: (value) => (server) => statusOf(server) === value.toUpperCase(),
  image:
    (value) =>
    ({ imageId }) =>
      imageId === value,
  flavor:
    (value) =>
    ({ flavor }) =>
      flavor.id === value,
  uuid:
    (value) =>
    ({ id }) =>
      id === value,
  metadata: (value) => {
    const wanted = Object.entries(metadataOf(value));
    return ({ metadata }) => wanted.every(([key, each]) => metadata[key] === each);
  },
};

/**
 * The servers that a list shows, newest first.
 * @throws {ApiFailure} 400: a filter that cannot be understood; 403: all tenants
 */
export function selectServers(call: Call, cloud: Cloud): ServerRecord[] {
  if (call.query.has('all_tenants'))
    forbidByPolicy(`servers:${call.path.endsWith('detail') ? 'detail' : 'index'}:get_all_tenants`);
  const filters = [...call.query].map(([key, value]) => FILTERS[key]?.(value)).filter((each) => each !== undefined);
  const { omitNames } = call.effect;
  if (omitNames !== undefined) filters.push(({ name }) => !new RegExp(omitNames).test(name));
  filters.push(presence(call.query.get('changes-since')));
  const { projectId } = call.caller;
  return cloud.servers
    .where((server) => server.projectId === projectId && filters.every((filter) => filter(server)))
    .reverse();
}

/** What is there; with `changes-since` also what was deleted after that time. */
function presence(changesSince: string | null): Filter {
  if (changesSince === null) return ({ isGone }) => !isGone;
  const since = Date.parse(changesSince);
  if (Number.isNaN(since))
    throw new ApiFailure(400, `Invalid input for query parameters changes-since. Value: ${changesSince}.`);
  return ({ updatedAt, terminatedAt }) => Math.max(updatedAt, terminatedAt ?? 0) >= since;
}

function patternOf(value: string): RegExp {
  try {
    return new RegExp(value);
  } catch {
    throw new ApiFailure(400, `Invalid input for query parameters name. Value: ${value}.`);
  }
}

/** `{"key": "value"}`, or the same in Python's quotes as old clients send it. */
function metadataOf(value: string): Readonly<Record<string, unknown>> {
  for (const text of [value, value.replaceAll("'", '"')]) {
    try {
      const parsed: unknown = JSON.parse(text);
      if (isJsonObject(parsed)) return parsed;
    } catch {
      // the other quotes, then
    }
  }
  throw new ApiFailure(400, 'Invalid filters: metadata');
}
