import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import type { Logger } from '../../src/runtime/logger.ts';
import { ensureBaseTar } from '../instances/base-image.ts';
import { detectHostMode } from '../instances/host-mode.ts';
import { InstanceHost } from '../instances/instance-host.ts';
import { chooseFarmNetwork, joinPrefix } from '../instances/own-network.ts';
import { findClaimant } from '../instances/owner-claim.ts';
import { FarmError, type FarmFolder, type FarmState, isAlive, makeFarmFolder, readFarmState } from './farm-folder.ts';
import { findGearmand } from './gearmand.ts';
import { pollUntil } from './poll-until.ts';
import type { FarmOptions } from './serve-farm.ts';

const START_MS = 60_000;
const STOP_MS = 20_000;

/** How a farm is started in the background. */
export type FarmStart = FarmOptions & {
  /** This program, to be started again as the serving process. */
  readonly argv: readonly string[];
};

/** The state of the farm if its serving process lives. */
export function findRunning(folder: FarmFolder): FarmState | undefined {
  const state = readFarmState(folder);
  return state !== undefined && isServing(state.pid) ? state : undefined;
}

/** @throws {FarmError} none is up */
export function runningFarm(folder: FarmFolder): FarmState {
  const state = findRunning(folder);
  if (state === undefined) throw new FarmError(`No farm is up in ${folder.root}`);
  return state;
}

/**
 * Starts a farm in the background and waits until it serves; one that was killed goes on from where it was.
 * @throws {FarmError} it runs already, it ended at once, or something else is in the folder
 * @throws {UnfitMachineError} there can be no machines here
 */
export async function startFarm(folder: FarmFolder, start: FarmStart): Promise<FarmState> {
  const running = findRunning(folder);
  if (running !== undefined) throw new FarmError(`A farm is up already in ${folder.root} (process ${running.pid})`);
  const prefix = start.machines ? await networkForMachines(folder) : [];
  makeFarmFolder(folder);
  const [program = '', ...rest] = [...prefix, process.execPath, ...process.execArgv, ...start.argv];
  const log = openSync(folder.log, 'a');
  const child = spawn(program, rest, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const outcome = await untilServing(folder, child);
  if (outcome === 'ended') throw new FarmError(`The farm did not start: ${lastLine(folder.log)}`);
  if (outcome === undefined) {
    child.kill('SIGKILL');
    const next = '"devfarm up" goes on with what was started, "devfarm down" ends it';
    throw new FarmError(`The farm does not serve after ${START_MS / 1000} s, see ${folder.log}; ${next}`);
  }
  child.unref();
  return outcome;
}

/**
 * Lets the serving process of a farm start gearmand again, at the port of before.
 * @throws {FarmError} it does not run after 20 s
 */
export async function mendFarm(folder: FarmFolder, { pid }: FarmState): Promise<void> {
  process.kill(pid, 'SIGHUP');
  const gearmand = await pollUntil(STOP_MS, () => findGearmand(folder));
  if (gearmand === undefined) throw new FarmError(`gearmand does not start, see ${folder.log}`);
}

/**
 * Ends the farm and removes all of it: processes, machines, folder. Does nothing where there is none.
 * @throws {FarmError} the folder is no farm's
 */
export async function stopFarm(folder: FarmFolder, log: Logger): Promise<void> {
  if (!existsSync(folder.root)) return;
  if (!existsSync(folder.mark)) throw new FarmError(`Cannot remove ${folder.root}: it is no farm's folder`);
  // Also one that only starts, and has not told its state yet.
  const pid = await findClaimant(folder.root);
  if (pid !== undefined) await endProcess(pid, () => isServing(pid));
  const gearmand = findGearmand(folder);
  if (gearmand !== undefined) await endProcess(gearmand.pid, () => findGearmand(folder) !== undefined);
  if (existsSync(folder.instances)) {
    const host = await InstanceHost.open({ stateDir: folder.instances }, { log });
    await host.destroyAll();
  }
  rmSync(folder.root, { recursive: true, force: true });
}

/** The words that run a command in the farm's network: none where it is the host's own. @throws {FarmError} none is up */
export async function networkOf(folder: FarmFolder): Promise<{ readonly prefix: readonly string[] }> {
  const running = runningFarm(folder);
  const isHere = readlinkSync('/proc/self/ns/net') === readlinkSync(`/proc/${running.pid}/ns/net`);
  return { prefix: isHere ? [] : await joinPrefix(running.pid) };
}

/** What is had from outside is had first: from a network of our own no package is in reach. */
async function networkForMachines(folder: FarmFolder): Promise<readonly string[]> {
  const mode = await detectHostMode();
  await ensureBaseTar({}, mode);
  return (await chooseFarmNetwork({ stateDir: folder.instances, port: mode.defaultPort })).prefix;
}

async function untilServing(folder: FarmFolder, child: ChildProcess): Promise<FarmState | 'ended' | undefined> {
  const ended = new AbortController();
  for (const event of ['exit', 'error']) {
    child.once(event, () => {
      ended.abort();
    });
  }
  return await pollUntil(START_MS, () => findRunning(folder) ?? (ended.signal.aborted ? 'ended' : undefined));
}

function isServing(pid: number): boolean {
  return isAlive(pid, 'devfarm', 'serve');
}

async function endProcess(pid: number, isThere: () => boolean): Promise<void> {
  if (!isThere()) return;
  process.kill(pid, 'SIGTERM');
  const gone = (): true | undefined => (isThere() ? undefined : true);
  if (await pollUntil(STOP_MS, gone)) return;
  process.kill(pid, 'SIGKILL');
  await pollUntil(STOP_MS, gone);
}

function lastLine(path: string): string {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.at(-1) ?? '';
}
