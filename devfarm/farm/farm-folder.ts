/** Farm: joins instances, cloud, Jenkins and gearmand into one running farm with a folder of its own. */
import { existsSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolders } from '../../src/runtime/make-folders.ts';

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
  /** Which process gearmand is. */
  readonly gearmand: string;
  /** Where the farm listens, also after a restart: the configuration that came with it names these ports. */
  readonly ports: string;
  /** Tells that the folder is a farm's, which `down` removes. */
  readonly mark: string;
};

/** The farm cannot be started, stopped or found; said in one line. */
export class FarmError extends Error {
  override readonly name = 'FarmError';
}

/** @throws {FarmError} there is a file of that name */
export function existingFarmFolder(root: string): FarmFolder {
  const facts = statSync(root, { throwIfNoEntry: false });
  if (facts?.isDirectory() === false) throw new FarmError(`Cannot have a farm in ${root}: it is a file, name a folder`);
  return farmFolder(root);
}

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
    gearmand: join(root, 'gearmand.json'),
    ports: join(root, 'ports.json'),
    mark: join(root, 'this-is-a-devfarm'),
  };
}

/** Makes the folder. @throws {FarmError} something else is in it, which `down` would remove */
export function makeFarmFolder(folder: FarmFolder): void {
  makeFolders(folder.root);
  if (!existsSync(folder.mark) && readdirSync(folder.root).length > 0)
    throw new FarmError(`Cannot make a farm in ${folder.root}: other files are in it`);
  writeFileSync(folder.mark, '');
}

const FarmState = z.object({
  /** The serving process. */
  pid: z.int(),
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
  return readWhole(folder.state, FarmState);
}

export function writeFarmState(folder: FarmFolder, state: FarmState): void {
  writeWhole(folder.state, state);
}

const FarmPorts = z.object({ jenkins: z.int(), zmq: z.int() });

/** Where Jenkins listened last; zero, which is any, if it never did. */
export function readFarmPorts(folder: FarmFolder): z.output<typeof FarmPorts> {
  return readWhole(folder.ports, FarmPorts) ?? { jenkins: 0, zmq: 0 };
}

export function writeFarmPorts(folder: FarmFolder, { jenkinsUrl, zmqEndpoint }: FarmState): void {
  writeWhole(folder.ports, { jenkins: Number(new URL(jenkinsUrl).port), zmq: Number(new URL(zmqEndpoint).port) });
}

const GearmandRecord = z.object({ pid: z.int(), port: z.int() });
export type GearmandRecord = z.output<typeof GearmandRecord>;

/** The gearmand that was started last; it may have ended. */
export function readGearmand(folder: FarmFolder): GearmandRecord | undefined {
  return readWhole(folder.gearmand, GearmandRecord);
}

export function writeGearmand(folder: FarmFolder, record: GearmandRecord): void {
  writeWhole(folder.gearmand, record);
}

/**
 * Whether that process lives and its command line holds all of these words: a number alone may have been given to
 * another one.
 */
export function isAlive(pid: number, ...words: readonly string[]): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return words.every((word) => line.includes(word));
  } catch {
    return false; // no such process
  }
}

function readWhole<T>(path: string, schema: z.ZodType<T>): T | undefined {
  return existsSync(path) ? schema.parse(JSON.parse(readFileSync(path, 'utf8'))) : undefined;
}

/** Written aside: who is killed meanwhile leaves the old one. */
function writeWhole(path: string, content: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(content, undefined, 2));
  renameSync(`${path}.new`, path);
}
