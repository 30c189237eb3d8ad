import { expect, test } from 'vitest';
import { z } from 'zod';
import { aLabelSection, anImageSection } from '../builders/config-of.ts';
import type { LoggedProcess } from '../integration/logged-process.ts';
import { RECIPE_MS, RecipeFarm } from './recipe-farm.ts';

const BUILDERS = ['one', 'two'];
const IMAGES = ['trusty', 'xenial', 'jessie', 'centos'];
const PROVIDERS = ['cloud1', 'cloud2', 'cloud3', 'cloud4'];
const UPLOADS = IMAGES.length * PROVIDERS.length;
const WORKERS = 4;

/** The first two builds wait for each other: so each builder has one at least. */
const EACH_ITS_OWN = `
touch "$HOME/begun-$DIB_IMAGE_NAME"
while [ "$(ls -d "$HOME"/begun-* | wc -l)" -lt 2 ]; do sleep 0.05; done
echo "image of $DIB_IMAGE_NAME" >"$out.qcow2"
`;

function keysOf(farm: RecipeFarm): Readonly<Record<string, unknown>> {
  const images = IMAGES.map((name) => anImageSection({ name, diskimage: name }));
  return {
    diskimages: IMAGES.map((name) => ({ name, elements: ['debian'] })),
    providers: PROVIDERS.map((name) => farm.provider(name, { images })),
    labels: IMAGES.map((image) => ({
      ...aLabelSection({ name: image, image, 'min-ready': 0 }),
      providers: PROVIDERS.map((name) => ({ name })),
    })),
  };
}

test(
  'two builders with their own folders and two upload workers each: who has the file uploads it, none twice, all four at work',
  { timeout: RECIPE_MS },
  async () => {
    await using farm = await RecipeFarm.start();
    farm.write('build.sh', EACH_ITS_OWN);
    farm.writeConfig(keysOf(farm));
    for (const name of BUILDERS) {
      farm.writeConfig({ ...keysOf(farm), 'images-dir': `${farm.folder}/images-${name}` }, `${name}.yaml`);
    }
    // Uploads last so long that those of all workers overlap.
    await farm.cloud.addFault({
      match: { service: 'image', method: 'PUT', path: '/file$' },
      effect: { delayMs: 1500 },
    });
    const builders = await Promise.all(
      BUILDERS.map((name) => farm.startBuilder(['--upload-workers', '2'], `${name}.yaml`)),
    );
    await farm.startDaemon();

    const rows = await farm.untilTable(
      ['image-list'],
      (all) => all.length === UPLOADS && all.every(({ State }) => State === 'ready'),
    );

    expect(new Set(rows.map((row) => `${row['Image'] ?? ''} ${row['Provider'] ?? ''}`)).size).toBe(UPLOADS);
    const builds = await farm.table('dib-image-list');
    expect(builds.map(({ Image, State }) => `${Image ?? ''} ${State ?? ''}`).sort()).toEqual(
      IMAGES.map((name) => `${name} ready`).sort(),
    );
    const held = BUILDERS.map((name) => farm.filesIn(`images-${name}`).map((file) => file.replace(/[.].*/, '')));
    for (const ids of held) expect(ids.length).toBeGreaterThan(0);
    expect(held.flat().sort()).toEqual(builds.map(({ ID }) => ID).sort());

    const uploads = builders.map(uploadsIn);
    expect(uploads.flat()).toHaveLength(UPLOADS); // none twice, by either
    expect(uploads.map((each) => [...new Set(each.map(({ build }) => build))].sort())).toEqual(held);
    const images = imagesInJournal(farm);
    expect(images.ids.size).toBe(UPLOADS); // and no image that was made in vain
    expect(images.most).toBe(WORKERS);
    expect(images.mostOf(new Set(held[0]))).toBe(2);
    expect(images.mostOf(new Set(held[1]))).toBe(2);
  },
);

/** The uploads that a builder tells of in its log. */
function uploadsIn({ lines }: LoggedProcess): readonly { readonly build: string; readonly to: string }[] {
  const begun = lines.join('\n').matchAll(/Uploading \S+\/(\d+)[.]qcow2 to (\S+) as /g);
  return [...begun].map(([, build = '', to = '']) => ({ build, to }));
}

const ImageLine = z.tuple([
  z.literal('image'),
  z.string(),
  z.object({ status: z.string(), properties: z.record(z.string(), z.string()) }),
]);

/** What the emulator wrote of images: how many were there between their record and the end of their upload, at most. */
function imagesInJournal(farm: RecipeFarm) {
  const lines = farm
    .read('cloud/journal.jsonl')
    .split('\n')
    .flatMap((line) => {
      const parsed = ImageLine.safeParse(line === '' ? undefined : JSON.parse(line));
      const [, id = '', image] = parsed.data ?? [];
      const build = image?.properties['nodepool_build_id'];
      return build === undefined ? [] : [{ id, build, status: image?.status }];
    });
  const mostOf = (builds: ReadonlySet<string>): number => {
    const open = new Set<string>();
    const counts = lines.map(({ id, build, status }) => {
      if (!builds.has(build)) return 0;
      if (status === 'active') open.delete(id);
      else open.add(id);
      return open.size;
    });
    return Math.max(...counts);
  };
  const all = new Set(lines.map(({ build }) => build));
  return { ids: new Set(lines.map(({ id }) => id)), most: mostOf(all), mostOf };
}
