import { statSync } from 'node:fs';
import { FARM_NAMES } from '../../devfarm/farm/nodepool-files.ts';
import { type DiskImageConfig, type DiskImageProvider, writeDiskImageConfig } from './disk-image-config.ts';
import type { NodeRow } from './node-rows.ts';
import { type Stage, useNodes } from './use-nodes.ts';

/** For steps that move hundreds of megabytes: the build, the uploads, the first boots. Seconds each, where nothing else runs. */
const LONG_MS = 300_000;

/** Jobs on nodes from one disk image, which the daemon's own builder makes and uploads in two formats. */
export async function demonstrateDiskImages(jobs: number, stage: Stage): Promise<void> {
  const { farm, progress } = stage;
  const config = await writeDiskImageConfig(jobs, farm);
  await farm.startNodepool();
  progress.note('diskimage-builder makes a small Debian in the formats of both providers');
  progress.check(`disk image built: ${await awaitBuild(config, stage)}`);
  const uploads = await awaitUploads(config, stage);
  progress.check(`uploaded: ${config.providers.map(({ name, format }) => `${format} to ${name}`).join(', ')}`);
  const ready = await awaitNodes(config, stage);
  for (const node of ready) await assertFrom(uploads.get(node.provider), node, stage);
  progress.check(`nodes booted from both uploads and ran the ready script: ${ready.map(({ id }) => id).join(', ')}`);
  const builds = await useNodes(jobs, stage);
  for (const { name } of config.providers) {
    if (!builds.some(({ nodename }) => nodename.startsWith(`${FARM_NAMES.label}-${name}-`)))
      throw new Error(`No job ran on a node of ${name}`);
  }
  progress.check('jobs ran on nodes of both providers');
  const refilled = await awaitNodes(config, stage);
  progress.check(`the pool is refilled in both: ${refilled.map(({ id }) => id).join(', ')}`);
  for (const words of [['list'], ['dib-image-list'], ['image-list', '--detail']])
    progress.print(await farm.nodepool(...words));
}

/** Waits for the files of all formats, and describes them. */
async function awaitBuild({ providers }: DiskImageConfig, { farm }: Stage): Promise<string> {
  const filename = await farm.until(
    'the disk image to be built',
    async () => (await farm.rowsUnlessFailed('dib-image-list')).find((row) => row[4] === 'ready')?.[2],
    LONG_MS,
  );
  const sizes = providers.map(({ format }) => `${filename}.${format} (${mebibytes(`${filename}.${format}`)} MiB)`);
  return sizes.join(', ');
}

function mebibytes(file: string): number {
  return Math.round(statSync(file).size / 2 ** 20);
}

/** Waits until all providers have the image, in their formats; gives the cloud's ids by provider. */
async function awaitUploads({ providers }: DiskImageConfig, { farm }: Stage): Promise<ReadonlyMap<string, string>> {
  const look = async (): Promise<ReadonlyMap<string, string> | undefined> => {
    const ready = (await farm.rowsUnlessFailed('image-list')).filter((row) => row[7] === 'ready');
    const ids = new Map(ready.map((row) => [row[1] ?? '', row[5] ?? '']));
    return providers.every(({ name }) => ids.has(name)) ? ids : undefined;
  };
  const uploads = await farm.until('the uploads', look, LONG_MS);
  const { images } = await farm.cloud();
  for (const { name, format } of providers) {
    const image = images.find(({ id }) => id === uploads.get(name));
    if (image?.disk_format !== format || image.status !== 'active')
      throw new Error(
        `The image of ${name} is ${image?.status ?? 'missing'}, its format ${image?.disk_format ?? 'none'}`,
      );
  }
  return uploads;
}

/** Waits until the pool is full, Jenkins has connected to all of it, and each provider has a part of it. */
async function awaitNodes({ providers, minReady }: DiskImageConfig, { farm }: Stage): Promise<readonly NodeRow[]> {
  const isIn = ({ name }: DiskImageProvider, nodes: readonly NodeRow[]): boolean =>
    nodes.some(({ provider }) => provider === name);
  const look = async (): Promise<readonly NodeRow[] | undefined> => {
    const online = await farm.onlineAgents();
    const ready = (await farm.nodes()).filter(({ state, nodename }) => state === 'ready' && online.includes(nodename));
    return ready.length >= minReady && providers.every((each) => isIn(each, ready)) ? ready : undefined;
  };
  return await farm.until(`${minReady} nodes to be ready, in both providers`, look, LONG_MS);
}

/** The cloud booted the machine from that image, and on it are the marks of the build and of the ready script. */
async function assertFrom(imageId: string | undefined, node: NodeRow, { farm }: Stage): Promise<void> {
  const server = (await farm.cloud()).servers.find(({ id }) => id === node.serverId);
  if (server?.image !== imageId)
    throw new Error(`Node ${node.id} is from image ${server?.image ?? 'none'}, not from ${imageId ?? 'none'}`);
  const marks = await farm.onMachine(node, 'cat /etc/image-mark /etc/node-mark');
  if (!marks.startsWith('small-debian of ') || !marks.includes(' is ready'))
    throw new Error(`The marks of node ${node.id} are: ${marks}`);
}
