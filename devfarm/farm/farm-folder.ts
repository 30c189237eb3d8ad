/** Farm: joins instances, cloud, Jenkins and gearmand into one running farm with a folder of its own. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Where the parts of a farm keep their things. */
export type FarmFolder = {
  readonly root: string;
  readonly instances: string;
  /** Which machine is which server's. */
  readonly backend: string;
  readonly cloud: string;
  readonly jenkins: string;
  /** The configuration that a nodepoold for this farm takes. */
  readonly nodepool: string;
  readonly keys: string;
  readonly log: string;
  /** What runs, for `status` and `down`. */
  readonly state: string;
};

export function farmFolder(root: string): FarmFolder {
  return {
    root,
    instances: join(root, 'machines'),
    backend: join(root, 'servers'),
    cloud: join(root, 'openstack'),
    jenkins: join(root, 'jenkins'),
    nodepool: join(root, 'nodepool'),
    keys: join(root, 'keys'),
    log: join(root, 'devfarm.log'),
    state: join(root, 'farm.json'),
  };
}

const FarmState = z.object({
  /** The serving process. */
  pid: z.int(),
  gearmandPid: z.int(),
  gearmanPort: z.int(),
  authUrl: z.string(),
  jenkinsUrl: z.string(),
  zmqEndpoint: z.string(),
  /** Port of the machines' sshd. */
  sshPort: z.int(),
  machines: z.boolean(),
});

/** What a running farm offers, written when all of it is up. */
export type FarmState = z.output<typeof FarmState>;

/** Undefined: no farm was ever up in this folder. */
export function readFarmState(folder: FarmFolder): FarmState | undefined {
  if (!existsSync(folder.state)) return undefined;
  return FarmState.parse(JSON.parse(readFileSync(folder.state, 'utf8')));
}

export function writeFarmState(folder: FarmFolder, state: FarmState): void {
  writeFileSync(`${folder.state}.new`, JSON.stringify(state, undefined, 2));
  renameSync(`${folder.state}.new`, folder.state);
}

/** Whether that process lives and is one of `program`'s: a number alone may have been given to another. */
export function isAlive(pid: number, program: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program);
  } catch {
    return false; // no such process
  }
}
