import type { Limits, ServerSize, ServerSpec } from '../../src/provider/cloud-provider.ts';
import { RequestRefusedError } from '../../src/provider/errors.ts';
import { definedOnly } from '../../src/runtime/defined-only.ts';

const MIB_PER_GIB = 1024;
const LARGEST_GIB = 64;

/** The room in the project of a FakeCloud, and its flavors: one core for each GiB, up to 64 GiB. */
export class FakeQuota {
  maxCores: number | undefined;
  /** What is used of cores and memory; undefined: a core and 1 GiB for each server. */
  used: ServerSize | undefined;

  limits(usedInstances: number, maxInstances: number | undefined): Limits {
    return definedOnly({
      maxInstances,
      maxCores: this.maxCores,
      usedInstances,
      usedCores: this.used?.cores ?? usedInstances,
      usedRamMib: this.used?.ramMib ?? usedInstances * MIB_PER_GIB,
    });
  }

  sizeOf({ minRamMib }: Pick<ServerSpec, 'minRamMib'>): ServerSize {
    const gib = Math.max(1, Math.ceil(minRamMib / MIB_PER_GIB));
    if (gib > LARGEST_GIB) throw new RequestRefusedError(`No flavor has ${minRamMib} MiB of RAM or more`);
    return { cores: gib, ramMib: gib * MIB_PER_GIB };
  }
}
