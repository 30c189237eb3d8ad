import * as z from 'zod';
import type { CronConfig } from './config.ts';
import { cronFault, parseCronSchedule } from './cron-schedule.ts';

/** `cron`: when what runs. */
export const CronSection = z
  .object({
    'image-update': schedule('Builds new images of all that labels use, unless `pause` is set.', '14 2 * * *'),
    cleanup: schedule('Deletes what is overdue or leaked.', '* * * * *'),
    check: schedule('Logs in to every ready node; one that does not answer is deleted.', '*/15 * * * *'),
  })
  .transform((yaml): CronConfig => ({ imageUpdate: yaml['image-update'], cleanup: yaml.cleanup, check: yaml.check }));

function schedule(description: string, preset: string) {
  return z
    .string()
    .superRefine((source, context) => {
      const fault = cronFault(source);
      if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
    })
    .transform(parseCronSchedule)
    .prefault(preset)
    .meta({ description });
}
