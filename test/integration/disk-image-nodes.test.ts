import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ensureBaseTar } from '../../devfarm/instances/base-image.ts';
import { detectHostMode } from '../../devfarm/instances/host-mode.ts';
import { smallDebian } from '../../scripts/demonstration/small-debian.ts';
import { buildName } from '../../src/image/dib-image.ts';
import { loopDevicesOf } from '../builder/left-by-builds.ts';
import { type ConfigChanges, NAMES } from './farm-config.ts';
import { FARM_MS, TestFarm } from './test-farm.ts';

/** diskimage-builder and two uploads, where much else runs too. */
const BUILD_MS = 300_000;
const DISK_IMAGE = 'small-debian';
const RAW = `${NAMES.provider}-raw`;

let farm: TestFarm;

afterEach(async () => {
  await farm[Symbol.asyncDispose]();
  // The farm is killed: a build that is broken off, where the test fails, leaves its loop device.
  for (const device of loopDevicesOf(farm.folder)) execFileSync('losetup', ['--detach', `/dev/${device}`]);
}, FARM_MS);

/** Two providers, with room for one node each, that take the disk image in different formats. */
function changesFor(tar: string, minReady: number): ConfigChanges {
  return {
    top: {
      'elements-dir': join(import.meta.dirname, '../../devfarm/elements'),
      'images-dir': join(farm.folder, 'images'),
      diskimages: [smallDebian(DISK_IMAGE, tar, join(farm.folder, 'home'))],
    },
    label: { 'min-ready': minReady, providers: [{ name: NAMES.provider }, { name: RAW }] },
    provider: { 'image-type': 'qcow2', 'max-servers': 1, 'launch-timeout': 240, 'boot-timeout': 120 },
    image: { 'base-image': undefined, setup: undefined, diskimage: DISK_IMAGE },
    twins: [{ name: RAW, 'image-type': 'raw' }],
  };
}

test(
  'a disk image is built for real and uploaded in two formats, nodes booted from both run jobs, and all of it goes',
  { timeout: 2 * BUILD_MS },
  async () => {
    const tar = await ensureBaseTar({}, await detectHostMode());
    farm = await TestFarm.start();
    farm.configure(changesFor(tar, 2));
    const daemon = await farm.startDaemon();

    const uploads = await farm.until('both uploads', () => readyImages(2), BUILD_MS);
    await farm.until('both nodes to be online', twoOnline);
    const cloud = await farm.cloud.overview();
    const jobs = [farm.submitJob(), farm.submitJob()];
    const used = await farm.untilNodes(2, 'used');
    const marks = await Promise.all(used.map((node) => farm.onMachine(node, 'cat /etc/image-mark; sudo id -un')));
    farm.configure(changesFor(tar, -1)); // nothing is wanted any more
    const since = daemon.mark();
    daemon.signal('SIGHUP');
    await daemon.logged(/Configuration .* was read again/, since);
    for (const node of used) await farm.finishJob(node);
    const ends = await Promise.all(jobs);
    for (const node of used) await farm.untilNode(node, 'gone');
    const [build] = await farm.database.dibImages.list();
    const name = buildName(build ?? { diskimage: DISK_IMAGE, id: 0 });
    const deletions = [await farm.nodepool('image-delete', name), await farm.nodepool('dib-image-delete', name)];
    await farm.until('the images to be gone', noImages);

    expect(used.map(({ provider }) => provider).sort()).toEqual([NAMES.provider, RAW]);
    expect(imagesIn(cloud, uploads)).toEqual({ [NAMES.provider]: 'qcow2', [RAW]: 'raw' });
    for (const { externalId, imageId } of used) {
      const upload = uploads.find(({ id }) => id === imageId);
      expect(cloud.servers.find(({ id }) => id === externalId)?.image).toBe(upload?.externalId);
    }
    expect(marks).toEqual(Array(2).fill(`${DISK_IMAGE} of debian bookworm\nroot`));
    expect(ends.map(({ result }) => result)).toEqual(['SUCCESS', 'SUCCESS']);
    expect(deletions.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(await farm.cloud.overview()).toMatchObject({ servers: [], images: [] });
    expect(readdirSync(join(farm.folder, 'images'))).toEqual([]);
    expect(loopDevicesOf(farm.folder)).toEqual([]);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(farm.folder);
  },
);

type Upload = { readonly id: number; readonly provider: string; readonly externalId?: string };

async function readyImages(count: number): Promise<readonly Upload[] | undefined> {
  const ready = (await farm.database.images.list()).filter(({ state }) => state === 'ready');
  return ready.length === count ? ready : undefined;
}

async function twoOnline(): Promise<true | undefined> {
  const online = await farm.jenkins.onlineAgents();
  const ready = await farm.database.nodes.list({ states: ['ready'] });
  return ready.filter(({ nodename = '' }) => online.includes(nodename)).length === 2 ? true : undefined;
}

async function noImages(): Promise<true | undefined> {
  const rows = [...(await farm.database.images.list()), ...(await farm.database.dibImages.list())];
  return rows.length === 0 ? true : undefined;
}

/** The formats that the cloud has of the uploads, by provider. */
function imagesIn(
  cloud: { readonly images: readonly { readonly id: string; readonly disk_format: string | null }[] },
  uploads: readonly Upload[],
): Readonly<Record<string, string | null | undefined>> {
  const formats = new Map(cloud.images.map(({ id, disk_format }) => [id, disk_format]));
  return Object.fromEntries(uploads.map(({ provider, externalId = '' }) => [provider, formats.get(externalId)]));
}
