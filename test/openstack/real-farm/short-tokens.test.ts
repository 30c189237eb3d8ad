import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Node } from '../../../src/node/node.ts';
import { NOTHING } from './cloud-desk.ts';
import { killService, startServices } from './cloud-services.ts';
import { CROWD_MS, RealFarm } from './real-farm.ts';

const NODES = 2;
const ROUNDS = 3;

// One farm for all, in turn: what one test leaves, the next one begins with.
let real: RealFarm;

beforeAll(async () => {
  real = await RealFarm.start();
  await real.startDaemon({ label: { 'min-ready': NODES }, hasOther: true });
}, CROWD_MS);

afterAll(() => real[Symbol.asyncDispose](), CROWD_MS);

async function deleteOne(): Promise<Node> {
  const [node] = await real.untilReady(NODES);
  if (node === undefined) throw new Error('There are nodes');
  await real.farm.nodepool('delete', String(node.id));
  return node;
}

test(
  'tokens that live for seconds, and all of them revoked in between: the daemon logs in again, and nobody sees it',
  async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await real.desk.revokeTokens();
      const node = await deleteOne();
      await real.farm.untilNode(node, 'gone');
    }
    await real.untilReady(NODES);
    await real.untilTidy();

    expect(real.daemon.lines.filter((line) => line.includes(' ERROR '))).toEqual([]);
  },
  CROWD_MS,
);

test(
  'Keystone dies while the tokens end: the cloud waits, the other provider goes on, and all comes when it is back',
  async () => {
    const other = await real.untilOther();
    await killService('keystone');
    const since = real.daemon.mark();

    const node = await deleteOne();
    const complaint = await real.daemon.logged(/(WARNING|ERROR) .* Cannot log in to provider "real"/, since);
    await real.farm.nodepool('delete', String(other.id));
    await real.untilOther(other);
    await startServices();
    await real.farm.untilNode(node, 'gone');
    await real.untilReady(NODES);
    await real.removeAll();

    expect(complaint).toContain(`Cannot connect to "${new URL(real.desk.real.origins.identity).host}"`);
    expect(await real.desk.inventory()).toEqual(NOTHING);
  },
  CROWD_MS,
);
