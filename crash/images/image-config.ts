import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { ImageSlot } from './image-slot.ts';

/** What the two providers are called; they want different formats, so that each build makes both. */
export const PROVIDERS = ['east', 'west'] as const;
export type ProviderName = (typeof PROVIDERS)[number];
export const FORMATS: Readonly<Record<ProviderName, string>> = { east: 'raw', west: 'qcow2' };
export const DISK_IMAGE = 'trusty';

export type ImageConfigFacts = {
  readonly slot: ImageSlot;
  readonly gearmanPort: number;
  readonly authUrlOf: (provider: ProviderName) => string;
};

/** Writes nodepool.yaml: one disk image, which goes to both providers. No node is launched from it. */
export function writeImageConfig({ slot, gearmanPort, authUrlOf }: ImageConfigFacts): void {
  const config = {
    'images-dir': slot.imagesDir,
    'gearman-servers': [{ host: '127.0.0.1', port: gearmanPort }],
    diskimages: [{ name: DISK_IMAGE, elements: ['vm'], 'build-timeout': 120, 'env-vars': { TMPDIR: slot.tempDir } }],
    labels: [{ name: 'unit', image: 'ci', 'min-ready': 0, providers: PROVIDERS.map((name) => ({ name })) }],
    providers: PROVIDERS.map((name) => ({
      ...{ name, 'auth-url': authUrlOf(name), username: 'nodepool', password: 'devfarm', 'project-name': 'nodepool' },
      ...{ 'region-name': 'RegionOne', 'max-servers': 2, rate: 0.001, 'image-type': FORMATS[name] },
      images: [{ name: 'ci', diskimage: DISK_IMAGE, 'min-ram': 512 }],
    })),
    targets: [],
    cron: { cleanup: '* * * * * */10' },
  };
  writeFileSync(join(slot.folder, 'nodepool.yaml'), stringify(config));
  writeFileSync(join(slot.folder, 'secure.conf'), '', { mode: 0o600 });
}
