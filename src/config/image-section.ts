import * as z from 'zod';
import { definedOnly } from '../runtime/defined-only.ts';
import type { ProviderImageConfig } from './config.ts';
import { count, flag, name, spelled, text, unused, withoutEffect } from './schema/fields.ts';

/** An entry of a provider's `images`. */
export const ImageSection = z
  .object({
    name: name('Name of the image; labels refer to it.'),
    'min-ram': count('The smallest flavor with at least this much memory is taken. 0: the smallest of all.', 'MiB'),
    'name-filter': text('Only flavors whose name contains this text are taken.').optional(),
    'base-image': text('Name or UUID of the cloud image from which a snapshot image is made.').optional(),
    setup: text('Script of `script-dir` that prepares the snapshot image.').optional(),
    'rebuild-on-base-change': flag(
      'Whether a new snapshot image is made, within some minutes, when the cloud has another image under the name of `base-image`.',
    ).default(false),
    diskimage: text(
      'Name of the entry of `diskimages` that builds this image, instead of `setup`. Absent, and no `setup` either: the entry of the same name.',
    ).optional(),
    username: text('Account for logging in to nodes.').default('jenkins'),
    'user-home': text('Home of that account: Jenkins works there.').default('/home/jenkins'),
    'private-key': text('Key file for logging in to nodes.').default('/var/lib/jenkins/.ssh/id_rsa'),
    'config-drive': flag('Whether servers get a config drive. Absent: the cloud decides.').optional(),
    meta: z
      .record(z.string(), spelled('Value of the property.'))
      .meta({
        description:
          'Properties of the image in the cloud: at most 5, with keys and values of at most 255 characters; else all are dropped. Maps inside are flattened.',
        flattened: true,
      })
      .default({}),
    'key-name': text('Nova keypair of the nodes.').optional(),
    'console-log': flag('As `console-log` of a label, for all labels that use this image here.').default(false),
    pause: flag('Whether builds by schedule and builds of a missing image are paused.').default(false),
    'smoke-test': flag(
      'Whether a node is launched from a new image, with the ready script of a label, before the image is used. Fails that, the image is deleted and the one before it serves on.',
    ).default(false),
    'rollback-after': count(
      'A new image is deleted after so many launches in a row that failed on their machines, if none worked and the one before it is still there. 0: never.',
      'launches',
    ).default(0),
    reset: unused('Accepted, not used (from the first releases).'),
    'ready-script': withoutEffect('it belongs to the label'),
  })
  .transform((yaml): ProviderImageConfig =>
    definedOnly({
      name: yaml.name,
      minRamMib: yaml['min-ram'],
      nameFilter: yaml['name-filter'],
      baseImage: yaml['base-image'],
      setup: yaml.setup,
      rebuildOnBaseChange: yaml['rebuild-on-base-change'],
      diskimage: yaml.diskimage,
      username: yaml.username,
      userHome: yaml['user-home'],
      privateKey: yaml['private-key'],
      configDrive: yaml['config-drive'],
      meta: yaml.meta,
      keyName: yaml['key-name'],
      consoleLog: yaml['console-log'],
      pause: yaml.pause,
      smokeTest: yaml['smoke-test'],
      rollbackAfter: yaml['rollback-after'],
    }),
  );

const MAX_META_ENTRIES = 5;
const MAX_META_CHARACTERS = 255;

/** Whether Nova would refuse the properties; upstream then drops them all. */
export function isOverlongMeta(meta: ProviderImageConfig['meta']): boolean {
  const entries = Object.entries(meta);
  return entries.length > MAX_META_ENTRIES || entries.flat().some((text) => text.length > MAX_META_CHARACTERS);
}
