/** A provider and nothing beside it, in a process of its own, so that its memory can be told. */
import { openProvider } from '../../src/openstack/open-provider.ts';
import { benchDeps } from './bench-deps.ts';
import { farmConfig, type FarmSize } from './farm-text.ts';
import { optionsFromParent, serveParent } from './serve-parent.ts';
import { costOf } from './stopwatch.ts';

export type UploadProcessOptions = { readonly farm: FarmSize; readonly path: string };

const { farm, path } = optionsFromParent() as UploadProcessOptions; // the parent is our own program
const { signal } = new AbortController();
const [config] = farmConfig(farm).providers;
if (config === undefined) throw new Error('The farm has no provider');
const provider = openProvider(config, benchDeps());
await provider.listImages(signal); // log in

serveParent('ready', {
  /** Uploads the file and removes its image; gives what it cost. */
  upload: () =>
    costOf(async () => {
      const image = await provider.uploadImage({ name: 'bench', path, format: 'raw', properties: {} }, {}, signal);
      await provider.deleteImage(image.id, signal);
    }),
});
