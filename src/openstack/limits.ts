import * as z from 'zod';
import type { Limits } from '../provider/cloud-provider.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import type { ApiCaller } from './api-caller.ts';
import { parseBody } from './parse-body.ts';

const count = z.number().default(0);
/** -1, and a missing key, mean no limit. */
const limit = z
  .number()
  .optional()
  .transform((value) => (value === undefined || value < 0 ? undefined : value));

const LimitsBody = z.object({
  limits: z.object({
    absolute: z.object({
      maxTotalInstances: limit,
      maxTotalCores: limit,
      maxTotalRAMSize: limit,
      totalInstancesUsed: count,
      totalCoresUsed: count,
      totalRAMUsed: count,
    }),
  }),
});

/** Room in the project. A server counts as used as soon as its create was accepted (Nova: limits). */
export async function readLimits(api: ApiCaller, signal: AbortSignal): Promise<Limits> {
  const { absolute } = await api.call(
    {
      name: 'NovaLimitsGet',
      service: 'compute',
      method: 'GET',
      path: '/limits',
      repeatable: true,
      read: (answer) => parseBody(LimitsBody, answer).limits,
    },
    signal,
  );
  return definedOnly({
    maxInstances: absolute.maxTotalInstances,
    usedInstances: absolute.totalInstancesUsed,
    maxCores: absolute.maxTotalCores,
    usedCores: absolute.totalCoresUsed,
    maxRamMib: absolute.maxTotalRAMSize,
    usedRamMib: absolute.totalRAMUsed,
  });
}
