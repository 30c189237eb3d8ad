import { systemClock } from '../../../src/runtime/clock.ts';
import { at, listAt } from './at.ts';
import type { RealAccount } from './real-account.ts';

const POLLS = 150;
const POLL_MS = 200;
/** A delete may have failed on the host, or met another task: it is sent again so often. */
const DELETE_EACH = 10;

/**
 * Deletes everything that a contract test makes in the account's project.
 * @throws a server stays
 */
export async function emptyProject(account: RealAccount): Promise<void> {
  await removeServers(account); // first: they hold ports
  await Promise.all([removeImages(account), removeKeyPairs(account), removeNetworkThings(account)]);
}

async function removeKeyPairs(account: RealAccount): Promise<void> {
  const pairs = await account.ask('compute', 'GET /v2.1/os-keypairs');
  for (const pair of listAt(pairs, 'keypairs')) {
    await account.ask('compute', `DELETE /v2.1/os-keypairs/${String(at(pair, 'keypair', 'name'))}`);
  }
}

/** Page by page: what is deleted makes room for the next. */
async function removeImages(account: RealAccount): Promise<void> {
  const project = await account.projectId();
  for (let page = 0; page < POLLS; page += 1) {
    const images = idsOf(await account.ask('image', `GET /v2/images?owner=${project}`), 'images');
    if (images.length === 0) return;
    for (const id of images) await account.ask('image', `DELETE /v2/images/${id}`);
  }
  throw new Error('Cannot empty the project: its images stay');
}

async function removeServers(account: RealAccount): Promise<void> {
  for (let poll = 0; poll < POLLS; poll += 1) {
    const left = idsOf(await account.ask('compute', 'GET /v2.1/servers'), 'servers');
    if (left.length === 0) return;
    if (poll % DELETE_EACH === 0) for (const id of left) await account.ask('compute', `DELETE /v2.1/servers/${id}`);
    await systemClock.sleep(POLL_MS);
  }
  throw new Error('Cannot empty the project: its servers stay');
}

async function removeNetworkThings(account: RealAccount): Promise<void> {
  const floating = await account.ask('network', 'GET /v2.0/floatingips');
  for (const id of idsOf(floating, 'floatingips')) await account.ask('network', `DELETE /v2.0/floatingips/${id}`);
  const ports = await account.ask('network', 'GET /v2.0/ports');
  // Ports with an owner belong to the router, and stay.
  const own = listAt(ports, 'ports').filter((port) => at(port, 'device_owner') === '');
  for (const port of own) await account.ask('network', `DELETE /v2.0/ports/${String(at(port, 'id'))}`);
  const groups = listAt(await account.ask('network', 'GET /v2.0/security-groups'), 'security_groups');
  for (const group of groups.filter((each) => at(each, 'name') !== 'default')) {
    await account.ask('network', `DELETE /v2.0/security-groups/${String(at(group, 'id'))}`);
  }
}

function idsOf(answer: unknown, key: string): string[] {
  return listAt(answer, key).map((each) => String(at(each, 'id')));
}
