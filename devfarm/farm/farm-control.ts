import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import type { Logger } from '../../src/runtime/logger.ts';
import { ensureBaseTar } from '../instances/base-image.ts';
import { detectHostMode } from '../instances/host-mode.ts';
import { InstanceHost } from '../instances/instance-host.ts';
import { chooseFarmNetwork } from '../instances/own-network.ts';
import { type FarmFolder, type FarmState, isAlive, readFarmState } from './farm-folder.ts';
import { pollUntil } from './poll-until.ts';
import type { FarmOptions } from './serve-farm.ts';

const START_MS = 60_000;
const STOP_MS = 20_000;

/** The farm cannot be started, stopped or found; said in one line. */
export class FarmError extends Error {
  override readonly name = 'FarmError';
}

/** How a farm is started in the background. */
export type FarmStart = FarmOptions & {
  /** This program, to be started again as the serving process. */
  readonly argv: readonly string[];
};

/** The state of the farm if its serving process lives. */
export function findRunning(folder: FarmFolder): FarmState | undefined {
  const state = readFarmState(folder);
  return state !== undefined && isAlive(state.pid, 'devfarm') ? state : undefined;
}

/**
 * Starts a farm in the background and waits until it serves; one that was killed goes on from where it was.
 * @throws {FarmError} it runs already, or it ended at once
 */
export async function startFarm(folder: FarmFolder, start: FarmStart): Promise<FarmState> {
  const running = findRunning(folder);
  if (running !== undefined) throw new FarmError(`A farm is up already in ${folder.root} (process ${running.pid})`);
  mkdirSync(folder.root, { recursive: true });
  // Before a network of our own is entered, from which no package can be had.
  if (start.machines) await ensureBaseTar({}, await detectHostMode());
  const { prefix } = await networkOf(folder);
  const [program = '', ...rest] = [...prefix, process.execPath, ...process.execArgv, ...start.argv];
  const log = openSync(folder.log, 'a');
  const child = spawn(program, rest, { detached: true, stdio: ['ignore', log, log] });
  const ending = new AbortController();
  child.once('exit', () => {
    ending.abort();
  });
  child.once('error', () => {
    ending.abort();
  });
  const outcome = await pollUntil(START_MS, () => findRunning(folder) ?? (ending.signal.aborted ? 'ended' : undefined));
  if (outcome === 'ended') throw new FarmError(`The farm did not start: ${lastLine(folder.log)}`);
  if (outcome === undefined) {
    child.kill('SIGKILL');
    throw new FarmError(`The farm does not serve after ${START_MS / 1000} s, see ${folder.log}`);
  }
  child.unref();
  return outcome;
}

/** Ends the farm and removes all of it: processes, machines, folder. Does nothing where there is none. */
export async function stopFarm(folder: FarmFolder, log: Logger): Promise<void> {
  if (!existsSync(folder.root)) return;
  const state = readFarmState(folder);
  if (state !== undefined) {
    await endProcess(state.pid, 'devfarm');
    await endProcess(state.gearmandPid, 'gearmand');
  }
  if (existsSync(folder.instances)) {
    const host = await InstanceHost.open({ stateDir: folder.instances }, { log });
    await host.destroyAll();
    await host[Symbol.asyncDispose]();
  }
  rmSync(folder.root, { recursive: true, force: true });
}

/** The words that run a command in the farm's network: none where it is the host's own. */
export async function networkOf(folder: FarmFolder): Promise<{ readonly prefix: readonly string[] }> {
  const running = findRunning(folder);
  if (running !== undefined) return { prefix: joinProcess(running.pid) };
  const mode = await detectHostMode();
  return await chooseFarmNetwork({ stateDir: folder.instances, port: mode.defaultPort });
}

function joinProcess(pid: number): readonly string[] {
  const isHere = readlinkSync('/proc/self/ns/net') === readlinkSync(`/proc/${pid}/ns/net`);
  return isHere ? [] : ['nsenter', '--target', String(pid), '--net', '--'];
}

async function endProcess(pid: number, program: string): Promise<void> {
  if (!isAlive(pid, program)) return;
  process.kill(pid, 'SIGTERM');
  const gone = await pollUntil(STOP_MS, () => (isAlive(pid, program) ? undefined : true));
  if (gone === undefined) process.kill(pid, 'SIGKILL');
}

function lastLine(path: string): string {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.at(-1) ?? '';
}
