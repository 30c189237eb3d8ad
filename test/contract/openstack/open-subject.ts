import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { openEmulatorSubject } from './emulator-subject.ts';
import type { OpenStackSubject, SubjectKind, SubjectOptions } from './openstack-subject.ts';
import { openRealSubject, RealCloud } from './real-subject.ts';

/** Names a JSON file that describes a real OpenStack (see `RealCloud`), to try the contract on that instead. */
const VARIABLE = 'OPENSTACK_CONTRACT_CLOUD';

/** Which kind the environment asks for. */
export function subjectKind(): SubjectKind {
  return process.env[VARIABLE] === undefined ? 'emulator' : 'real';
}

/**
 * The real cloud that the environment names.
 * @throws it names none, or the file is not there or not a description: a cloud that is asked for is never left out
 */
export async function readRealCloud(): Promise<RealCloud> {
  const file = process.env[VARIABLE];
  if (file === undefined) throw new Error(`"${VARIABLE}" names no real cloud`);
  return z.parse(RealCloud, JSON.parse(await readFile(file, 'utf8')));
}

/**
 * The OpenStack on which the contract is tried: the farm's emulator unless the environment names a real one.
 * @throws the one that is asked for is not there
 */
export async function openSubject(options: SubjectOptions = {}): Promise<OpenStackSubject> {
  return subjectKind() === 'emulator'
    ? await openEmulatorSubject(options)
    : await openRealSubject(await readRealCloud(), options);
}
