import type { EmulatorOptionsInput } from '../../devfarm/openstack/emulator-options.ts';
import type { CloudPeer } from './cloud-peer.ts';
import type { Place } from './visible-reason.ts';

/** How the cloud of provider `sick` fails, and what an operator reads of it. */
export type CloudFault = {
  readonly name: string;
  readonly emulator?: Partial<EmulatorOptionsInput>;
  /** True: from before the daemon's start. Default: once the farm is at rest. */
  readonly isThereAtStart?: boolean;
  readonly begin: (cloud: CloudPeer) => Promise<void>;
  /** Default: its fault rules go. */
  readonly end?: (cloud: CloudPeer) => Promise<void>;
  /** On one line, in each of these places. Absent: nothing fails that an operator should know of. */
  readonly reason?: RegExp;
  readonly shownIn: readonly Place[];
};

const CREATE = { service: 'compute', method: 'POST', path: '/servers$' } as const;
const LIST = { service: 'compute', method: 'GET', path: '/servers/detail$' } as const;
const ONE_SERVER = '/servers/[0-9a-f-]{36}$';
/** Of a call: provider, status, and what the operators of the cloud look for. */
const refused = (status: number, rest: string): RegExp =>
  new RegExp(`"sick" got status ${status} \\(req-[^)]+\\): ${rest}`);

export const CLOUD_FAULTS: readonly CloudFault[] = [
  {
    name: 'create-errors',
    begin: (cloud) =>
      cloud.add({ match: { ...CREATE, name: '[05]$' }, effect: { buildFails: 'No valid host was found' } }),
    reason: /node id: \d+ in provider: sick: Server [0-9a-f-]+ is in ERROR: .*No valid host was found/,
    shownIn: ['history', 'log'],
  },
  {
    name: 'nova-503',
    begin: (cloud) => cloud.add({ match: { service: 'compute' }, effect: { status: 503, message: 'Nova is tired' } }),
    reason: refused(503, 'Nova is tired'),
    shownIn: ['info', 'history', 'log'],
  },
  {
    name: 'nova-killed',
    begin: (cloud) => cloud.stop(),
    end: (cloud) => cloud.restart(),
    reason: /sick".*Cannot connect to "127\.0\.0\.1/,
    shownIn: ['info', 'history', 'log'],
  },
  {
    name: 'nova-hang',
    begin: (cloud) => cloud.add({ match: { service: 'compute' }, effect: { hang: 'before' } }),
    reason: /Timeout waiting for \w+ of provider sick/,
    shownIn: ['info', 'history', 'log'],
  },
  {
    name: 'token-revoked',
    begin: (cloud) => cloud.revokeTokens(),
    reason: /token of sick.*\(req-/,
    shownIn: ['log'],
  },
  {
    name: 'token-expired',
    emulator: { tokenLifetimeMs: 20_000 },
    begin: (cloud) =>
      cloud.add({ match: { service: 'identity' }, effect: { status: 503, message: 'Keystone is tired' } }),
    reason: refused(503, 'Keystone is tired'),
    shownIn: ['info', 'history', 'log'],
  },
  {
    name: 'keystone-down-at-start',
    isThereAtStart: true,
    begin: (cloud) => cloud.add({ match: { service: 'identity' }, effect: { cut: 'before' } }),
    reason: /Cannot log in to provider "sick"/,
    shownIn: ['info', 'history', 'log'],
  },
  {
    name: 'keystone-down-later',
    begin: async (cloud) => {
      await cloud.add({ match: { service: 'identity' }, effect: { status: 503, message: 'Keystone is tired' } });
      await cloud.revokeTokens();
    },
    reason: refused(503, 'Keystone is tired'),
    shownIn: ['info', 'history', 'log'],
  },
  {
    name: 'image-deleted',
    begin: (cloud) => cloud.loseImage(),
    reason: /The cloud has no image [0-9a-f-]+ any more: ServerCreate in "sick" got status 400 \(req-[^)]+\): .*image/,
    shownIn: ['history', 'log'],
  },
  {
    name: 'network-renamed',
    isThereAtStart: true,
    begin: async (cloud) => {
      const networks = (await cloud.networks()).map((each) =>
        each.name === 'private' ? { ...each, name: 'renamed' } : each,
      );
      await cloud.add({
        match: { service: 'network', path: '/networks$' },
        effect: { status: 200, body: { networks } },
      });
    },
    reason: /"sick" has no network "private"/,
    shownIn: ['info', 'history', 'log'],
  },
  {
    name: 'delete-never',
    begin: (cloud) =>
      cloud.add({ match: { ...LIST, method: 'DELETE', path: ONE_SERVER }, effect: { deleteNever: true } }),
    reason: /Timeout waiting for server [0-9a-f-]+ to be gone/,
    shownIn: ['history', 'log'],
  },
  {
    name: 'listed-then-404',
    begin: (cloud) =>
      cloud.add(
        { match: LIST, probability: 0.4, effect: { omitNames: '.' } },
        {
          match: { service: 'compute', method: 'GET', path: ONE_SERVER },
          effect: { status: 404, message: 'No such server' },
        },
        { match: { service: 'compute', method: 'DELETE', path: ONE_SERVER }, count: 1, effect: { status: 404 } },
      ),
    reason: /node id: \d+ in provider: sick: Server [0-9a-f-]+ is gone/,
    shownIn: ['history', 'log'],
  },
  {
    name: 'pages-shift',
    emulator: { maxLimit: 2 },
    begin: (cloud) => cloud.add({ match: LIST, probability: 0.2, effect: { omitNames: '[02468]$' } }),
    shownIn: [],
  },
  {
    name: 'answer-lost',
    begin: (cloud) => cloud.add({ match: { ...CREATE, name: '[13579]$' }, effect: { cut: 'after' } }),
    reason: /Outcome of creating server \S+ is unknown.*provider=sick.*The connection to/,
    shownIn: ['log'],
  },
];
