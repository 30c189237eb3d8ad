import { readdirSync } from 'node:fs';
import { isAlive } from '../../devfarm/farm/farm-folder.ts';

/** The living processes, besides this one, whose command lines hold all of these words. */
export function findProcesses(...words: readonly string[]): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isAlive(pid, ...words));
}
