import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { openEmulatorSubject } from './emulator-subject.ts';
import type { OpenStackSubject } from './openstack-subject.ts';
import { openRealSubject, RealCloud } from './real-subject.ts';

/** Names a JSON file that describes a real OpenStack (see `RealCloud`), to try the contract on that instead. */
const VARIABLE = 'OPENSTACK_CONTRACT_CLOUD';

/** The OpenStack on which the contract is tried: the farm's emulator unless the environment names a real one. */
export async function openSubject(options: { readonly hasHugeFlavor: boolean }): Promise<OpenStackSubject> {
  const file = process.env[VARIABLE];
  if (file === undefined) return await openEmulatorSubject(options);
  return await openRealSubject(z.parse(RealCloud, JSON.parse(await readFile(file, 'utf8'))));
}
