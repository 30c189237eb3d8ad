import * as z from 'zod';
import { definedOnly } from '../runtime/defined-only.ts';
import type { LabelConfig } from './config.ts';
import { count, flag, listOf, name, seconds, text, toMs, whole, withoutEffect } from './schema/fields.ts';

const LATER = 'it is read by nodepool 3 only';

/** An entry of `labels`. */
export const LabelSection = z
  .object({
    name: name('Name of the label; jobs ask for it.'),
    image: name('Name of the image, as in the `images` of the providers.'),
    'min-ready': whole(
      'Nodes kept ready if there is room. 0: nodes are launched on demand only. Negative: the label is off and its images are not built.',
      'nodes',
    ).default(2),
    subnodes: count('Further servers launched with each node; they count in `max-servers`.', 'servers').default(0),
    'ready-script': text('Script in `/opt/nodepool-scripts` of the node, run before the node is ready.').optional(),
    'console-log': flag(
      "Whether a launch that fails shows the end of its server's console, in the log and in the node's history.",
    ).default(false),
    providers: listOf(
      z.object({ name: name('Name of an entry of `providers`.') }),
      'Providers that may serve the label.',
    ),
    'max-ready-age': seconds('Ready nodes older than this are replaced. 0: never.').default(0),
    'recycle-superseded': count(
      'Most ready nodes replaced at once because their provider has a newer image; never so that fewer than `min-ready` wait. 0: they stay until a job takes them.',
      'nodes',
    ).default(0),
    userdata: withoutEffect(LATER),
    'boot-from-volume': withoutEffect(LATER),
    'volume-size': withoutEffect(LATER),
    'instance-properties': withoutEffect(LATER),
  })
  .transform((yaml): LabelConfig =>
    definedOnly({
      name: yaml.name,
      image: yaml.image,
      minReady: yaml['min-ready'],
      subnodes: yaml.subnodes,
      readyScript: yaml['ready-script'],
      consoleLog: yaml['console-log'],
      providers: [...new Set(yaml.providers.map((provider) => provider.name))],
      maxReadyAgeMs: toMs(yaml['max-ready-age']),
      recycleSuperseded: yaml['recycle-superseded'],
    }),
  );
