import * as z from 'zod';
import { definedOnly } from '../runtime/defined-only.ts';
import type { NetworkConfig } from './config.ts';
import { flag, name } from './schema/fields.ts';

/** An entry of a provider's `networks`. */
export const NetworkSection = z
  .object({
    'net-id': name('UUID of the network.').optional(),
    'net-label': name('Name of the network (same as `name`).').optional(),
    name: name('Name of the network.').optional(),
    public: flag('Hint of old files: whether addresses of this network are public.').optional(),
  })
  .superRefine((yaml, context) => {
    if (yaml['net-id'] !== undefined || yaml['net-label'] !== undefined || yaml.name !== undefined) return;
    context.addIssue({ code: 'custom', message: 'A network needs "net-id", "net-label" or "name"' });
  })
  .transform((yaml): NetworkConfig =>
    definedOnly({ id: yaml['net-id'], name: yaml['net-label'] ?? yaml.name, public: yaml.public }),
  );
