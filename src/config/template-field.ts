import * as z from 'zod';
import { templateFault } from './name-template.ts';
import type { TemplateKey } from './name-template.ts';

/** Text with fields in braces, checked for the key that holds it. */
export function template(key: TemplateKey, description: string) {
  return z
    .string()
    .superRefine((source, context) => {
      const fault = templateFault(source, key);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    })
    .meta({ description });
}
