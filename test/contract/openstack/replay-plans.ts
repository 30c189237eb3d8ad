import type { Exchange } from './transcript.ts';
import type { TranscriptReplay } from './transcript-replay.ts';

/** What a transcript needs beside its own requests: whoever recorded it did that unrecorded. */
export type ReplayPlan = {
  readonly file: string;
  readonly promise: string;
  /** True: it shows nothing that passes by. */
  readonly isStill?: true;
  /** `as-shown`: the transcript shows where a token was sent. */
  readonly token?: 'as-shown';
  readonly prepare?: (replay: TranscriptReplay) => Promise<unknown>;
  /** Steps before the first exchange whose heading, or method and path, begins so. */
  readonly before?: Readonly<Record<string, (replay: TranscriptReplay) => Promise<unknown>>>;
  /** Exchanges that cannot be repeated alone. */
  readonly skip?: (exchange: Exchange) => boolean;
  /** The body to send where the recorded one was cut. */
  readonly bodyOf?: (replay: TranscriptReplay, exchange: Exchange) => string | undefined;
  /** Paths of values on which the contract leaves freedom. */
  readonly free?: RegExp;
};

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL0Y0N1Y3E9oVqNYp1nhkGlbEHMmMXQjXJ2yz3fyQZlF contract@example.org';
const PRIVATE_NETWORK = '79801d34-aee0-4e88-80db-c9e4ae23075c';
const BASE_IMAGE = '21008f49-e8aa-4f6f-9f10-613ce2764531';
const OWN_PORT = '22f3e901-572f-4d4b-a01c-7df0804f18dd';

const importKey = (replay: TranscriptReplay): Promise<unknown> =>
  replay.tenant.nova('POST /os-keypairs', { body: { keypair: { name: 'contract', public_key: KEY } } });

/** The server that stands for a recorded one goes. */
const without =
  (recordedId: string) =>
  (replay: TranscriptReplay): Promise<unknown> =>
    replay.tenant.removeServer(replay.ids.get(recordedId) ?? '');

const with129Pairs = (replay: TranscriptReplay, exchange: Exchange): string | undefined => {
  if (!exchange.scene.startsWith('too much metadata')) return undefined;
  const metadata = Object.fromEntries(Array.from({ length: 129 }, (_, index) => [`k${index}`, 'v']));
  const [imageRef, uuid] = [replay.ids.get(BASE_IMAGE), replay.ids.get(PRIVATE_NETWORK)];
  return JSON.stringify({ server: { name: 'bad', imageRef, flavorRef: '2', networks: [{ uuid }], metadata } });
};

async function useOwnPort(replay: TranscriptReplay): Promise<void> {
  const id = await replay.tenant.makeServer('own-port', { networks: [{ port: replay.ids.get(OWN_PORT) }] });
  await replay.tenant.removeServer(id);
}

async function makePages(replay: TranscriptReplay): Promise<void> {
  await without('6a61a8c3-a531-426d-815f-dc2edc94923d')(replay);
  await replay.makeServer('91de0f5c-6d04-431d-b8b9-5b38c6492288', 'page-0');
  await replay.makeServer('7eb0e550-ae43-4897-b6fc-d2850b034b52', 'page-1');
  await replay.makeServer('36b69ccd-c846-4da2-9a50-fa4d3d9a137f', 'page-2');
}

export const REPLAY_PLANS: readonly ReplayPlan[] = [
  {
    file: '03-version-roots.txt',
    isStill: true,
    promise: 'version documents are the recorded ones',
    token: 'as-shown',
  },
  {
    file: '04-microversions.txt',
    isStill: true,
    promise: 'microversions are negotiated as recorded',
    token: 'as-shown',
  },
  { file: '05-flavors.txt', isStill: true, promise: 'flavors are shown as recorded' },
  {
    file: '06-lists.txt',
    isStill: true,
    promise: 'networks, zones, limits, quotas and the old proxies are shown as recorded',
  },
  {
    file: '07-keypairs.txt',
    isStill: true,
    promise: 'key pairs are made, refused and deleted as recorded',
    free: /^\.keypair\.id:/,
  },
  { file: '08-server-plain.txt', promise: 'a server goes through the recorded states and is shown so at each version' },
  {
    file: '09-server-options.txt',
    promise: 'a server is made with every option as recorded',
    prepare: importKey,
    before: { 'DELETE /v2.0/security-groups': without('021e7b37-9aae-4317-ae01-6fc06d9c4b09') },
  },
  { file: '10-server-errors.txt', promise: 'creates are refused in the recorded words', bodyOf: with129Pairs },
  {
    file: '11-over-quota.txt',
    isStill: true,
    promise: 'quotas are kept, in the recorded words',
    prepare: (replay) => replay.makeServer('11111111-aaaa-4aaa-8aaa-111111111111', 'quota-1'),
    before: {
      instances: (replay) => replay.tenant.subject.setQuota({ instances: 1 }),
      ram: (replay) => replay.tenant.subject.setQuota({ ramMib: 3000 }),
      cores: (replay) => replay.tenant.subject.setQuota({ cores: 1 }),
      several: (replay) => replay.tenant.subject.setQuota({ instances: 1, cores: 1 }),
      'key pairs': (replay) => replay.tenant.subject.setQuota({ keyPairs: 0 }),
      'floating addresses': (replay) => replay.tenant.subject.setQuota({ floatingIps: 0 }),
      'ports: nova': async (replay) => {
        await without('11111111-aaaa-4aaa-8aaa-111111111111')(replay);
        await replay.tenant.subject.setQuota({ ports: 0 });
      },
    },
  },
  {
    file: '12-server-to-error.txt',
    promise: 'a server whose build fails ends in ERROR as recorded',
    before: {
      'the host gives up': (replay) =>
        replay.tenant.subject.failNext({ on: 'build', message: 'the disk is on fire', by: 'abort' }),
      'every host fails': (replay) =>
        replay.tenant.subject.failNext({ on: 'build', message: 'the disk is on fire', by: 'reschedule' }),
    },
  },
  {
    file: '13-delete.txt',
    promise: 'a server is deleted through the recorded states',
    prepare: (replay) => replay.makeServer('1204b3c5-4df1-42ad-80fa-c1870aaad7e6', 'doomed'),
    before: {
      'delete fails on the host': async (replay) => {
        await replay.makeServer('542357e9-6425-4863-9b5d-0c7d146746d7', 'stuck');
        await replay.tenant.subject.failNext({ on: 'delete', message: 'the host will not let go' });
      },
    },
  },
  {
    file: '14-create-image.txt',
    promise: 'a snapshot goes through the recorded states, and fails as recorded',
    prepare: (replay) => replay.makeServer('4f2518ce-1df3-4bbb-9dcd-1e021f5e30b6', 'shooter'),
    before: { 'the snapshot fails on the host': (replay) => replay.tenant.subject.failNext({ on: 'snapshot' }) },
  },
  {
    file: '15-glance.txt',
    isStill: true,
    promise: 'images are uploaded, changed, listed, refused and deleted as recorded',
    // The first was sent during an upload, the second hangs on which of two images of one second comes first.
    skip: ({ scene, method, path }) =>
      method === 'GET' && (scene.startsWith('meanwhile') || path.includes('sort=created_at:desc')),
  },
  {
    file: '16-floating-neutron.txt',
    promise: 'floating addresses are made, bound, shown and freed as recorded',
    prepare: (replay) => replay.makeServer('492e96f7-930d-49ab-81ba-2f878067a4eb', 'floaty'),
    before: { 'the server goes': without('492e96f7-930d-49ab-81ba-2f878067a4eb') },
    // No L3 agent ran where it was recorded.
    free: /^\.floatingips?(\[\])?\.status:/,
  },
  {
    file: '17-floating-nova.txt',
    promise: "Nova's proxy for floating addresses answers as recorded",
    prepare: (replay) => replay.makeServer('d7e8282c-3492-447f-b8f8-d61798558bbe', 'floaty'),
  },
  {
    file: '18-ports.txt',
    promise: 'ports come and go with their server, or stay, as recorded',
    prepare: (replay) => replay.makeServer('68c33401-3b02-4022-8ccb-a7478a244b4d', 'porty'),
    before: {
      'the port went with the server': without('68c33401-3b02-4022-8ccb-a7478a244b4d'),
      [`GET /v2.0/ports/${OWN_PORT}`]: useOwnPort,
    },
  },
  {
    file: '19-actions.txt',
    promise: 'actions and pages are as recorded',
    prepare: (replay) => replay.makeServer('6a61a8c3-a531-426d-815f-dc2edc94923d', 'acts'),
    before: { 'paging through': makePages },
  },
];
