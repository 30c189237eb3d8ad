import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { ensureBaseTar } from '../../devfarm/instances/base-image.ts';
import { detectHostMode } from '../../devfarm/instances/host-mode.ts';
import { type DemoFarm, REPOSITORY } from './demo-farm.ts';
import { smallDebian } from './small-debian.ts';

/** A provider, and the format in which it takes disk images. */
export type DiskImageProvider = { readonly name: string; readonly format: string };

export type DiskImageConfig = {
  readonly providers: readonly DiskImageProvider[];
  /** More than one provider has room for: so each has a node. */
  readonly minReady: number;
};

const DISK_IMAGE = 'small-debian';
const FORMATS = ['qcow2', 'raw'];

const One = z.looseObject({});
const FarmConfig = z.looseObject({
  labels: z.tuple([z.looseObject({ name: z.string() })]),
  providers: z.tuple([z.looseObject({ name: z.string(), images: z.tuple([One]) })]),
});

/** Makes of devfarm's configuration one with a disk image, and with a provider for each format. */
export async function writeDiskImageConfig(jobs: number, farm: DemoFarm): Promise<DiskImageConfig> {
  const path = join(farm.folder.nodepool, 'nodepool.yaml');
  const { labels, providers, ...rest } = FarmConfig.parse(parse(readFileSync(path, 'utf8')));
  const [label, provider] = [labels[0], providers[0]];
  const tar = await ensureBaseTar({}, await detectHostMode());
  const maxServers = Math.ceil(jobs / 4);
  const minReady = maxServers + 1;
  const takers = FORMATS.map((format) => ({ name: `${provider.name}-${format}`, format }));
  // Without these it is the image's disk image that makes it.
  const image = { ...provider.images[0], 'base-image': undefined, setup: undefined, diskimage: DISK_IMAGE };
  const config = {
    ...rest,
    'elements-dir': join(REPOSITORY, 'devfarm/elements'),
    'images-dir': join(farm.root, 'images'),
    diskimages: [smallDebian(DISK_IMAGE, tar, join(farm.root, 'home'))],
    labels: [{ ...label, 'min-ready': minReady, providers: takers.map(({ name }) => ({ name })) }],
    providers: takers.map(({ name, format }) => ({
      ...{ ...provider, name, 'image-type': format, 'max-servers': maxServers },
      images: [image],
    })),
  };
  writeFileSync(path, stringify(config, { aliasDuplicateObjects: false }));
  return { providers: takers, minReady };
}
