import { Catalog, endpointOf, hasEndpoint } from '../../src/openstack/catalog.ts';
import { chooseAddresses } from '../../src/openstack/addresses.ts';
import { classifyNovaFailure, parseRetryAfter } from '../../src/openstack/classify-nova-failure.ts';
import { queryOf } from '../../src/openstack/read-pages.ts';
import { RequestRefusedError } from '../../src/provider/errors.ts';
import { aCloud } from '../../test/openstack/a-provider.ts';
import { type ByteTarget, promise } from '../fuzz-target.ts';
import { fixtures } from '../fixtures.ts';

const CLOUD = aCloud('http://127.0.0.1:1');

export const openstackAnswers: ByteTarget = {
  kind: 'bytes',
  name: 'openstack-answers',
  about: 'catalogues, faults, headers and links, read apart from the connection',
  corpus: () => fixtures('openstack', '.json'),
  words: [
    '"message":"',
    '"NeutronError":',
    '"type":"OverQuota"',
    '<html>',
    '<',
    '>',
    '?',
    '9'.repeat(20),
    'Tue, 1 Jan 2999 00:00:00 GMT',
  ],
  mayThrow: [RequestRefusedError],
  feed: (input) => {
    const text = input.toString();
    const json = parsed(text);
    for (const status of [400, 403, 409, 413, 429, 500, 503]) {
      const error = classifyNovaFailure({
        ...{ provider: 'east', call: 'ServerCreate', repeatable: false, requestId: undefined },
        ...{ status, json, text: text.slice(0, 2000), retryAfterMs: parseRetryAfter(text.slice(0, 500), new Date(0)) },
      });
      promise(error.message.length < 1000, 'A message is too long for a log');
    }
    queryOf(text);
    const catalog = Catalog.safeParse(json);
    if (catalog.success) {
      hasEndpoint('compute', catalog.data, CLOUD);
      endpointOf('network', catalog.data, CLOUD);
    }
    const address = { network: text.slice(0, 20), ip: text.slice(0, 50), version: 4, kind: 'fixed' } as const;
    const server = { id: '', name: '', status: '', metadata: {}, createdAt: new Date(0), addresses: [address] };
    chooseAddresses(server, { networks: [], private: false, ipv6Preferred: true });
  },
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // as the connection does
  }
}
