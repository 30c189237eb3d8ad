import * as z from 'zod';
import { definedOnly } from '../runtime/defined-only.ts';
import type { DiskImageConfig } from './config.ts';
import { deadline, flag, listOf, name, seconds, spelled, text, toMs, unused } from './schema/fields.ts';

/** An entry of `diskimages`. */
export const DiskImageSection = z
  .object({
    name: name('Name of the disk image; the `diskimage` of provider images refers to it.'),
    elements: listOf(name('Name of an element.'), 'Elements that diskimage-builder puts together.').default([]),
    release: spelled("`DIB_RELEASE`: the distribution's release, always as text.").default(''),
    'qemu-img-options': text('`--qemu-img-options` for qcow2, instead of `compat=0.10`.').optional(),
    'env-vars': z
      .record(z.string(), spelled('Value of the variable.'))
      .meta({
        description: 'Environment of diskimage-builder, added last. Values are taken as the file spells them.',
        mapOrIgnored: true,
      })
      .default({}),
    'rebuild-age': seconds(
      'Rebuild when the newest build is older. Absent: the cron `image-update` decides.',
    ).optional(),
    formats: listOf(
      name('A format such as `qcow2`.'),
      'Formats to build beside those that the providers need.',
    ).default([]),
    pause: flag('Whether scheduled builds and builds of missing images are paused.').default(false),
    paused: z.boolean().optional().meta({ description: 'Read as `pause`.', insteadOf: 'pause' }),
    'build-timeout': deadline('A build that takes longer is stopped.').default(28_800),
    username: unused('Accepted, not used (nodepool 3).'),
  })
  .transform((yaml): DiskImageConfig =>
    definedOnly({
      name: yaml.name,
      elements: yaml.elements,
      release: yaml.release,
      qemuImgOptions: yaml['qemu-img-options'],
      envVars: yaml['env-vars'],
      rebuildAgeMs: yaml['rebuild-age'] === undefined ? undefined : toMs(yaml['rebuild-age']),
      formats: yaml.formats,
      pause: yaml.pause,
      buildTimeoutMs: toMs(yaml['build-timeout']),
    }),
  );
