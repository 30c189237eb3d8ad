import { type ChildProcess, spawn } from 'node:child_process';
import type { Clock } from '../runtime/clock.ts';
import { claimPidFile, removePidFile, writePidFile } from './pid-file.ts';

/** The daemon says that it runs, or ends; one that does neither is left alone after this time. */
const STARTED_MS = 60_000;
const COMPLAINT_CHARS = 4_000;

/** What the daemon in the background tells the process that started it. */
const RUNNING = 'running';

/** The daemon ended instead of running. The message is what it said, maybe in several lines. */
export class DaemonEndedError extends Error {
  override readonly name = 'DaemonEndedError';
  /** Its exit status: 2 for a configuration without use. */
  readonly status: number;

  constructor(said: string, status: number) {
    super(said);
    this.status = status;
  }
}

/**
 * Starts this program again in the background, writes its process id and returns when it runs. A pid file of a dead
 * process is replaced; a living one is waited for.
 * @throws {DaemonEndedError} the new daemon ended at once
 * @throws {Error} another daemon holds the pid file, the file cannot be written, or no process can be started
 */
export async function daemonize(pidfile: string, clock: Clock): Promise<void> {
  await claimPidFile(pidfile, process.pid, clock); // before there is a daemon that would have to be ended again
  const args = [...process.execArgv, ...process.argv.slice(1), '--foreground'];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const said = listenTo(child);
  await writePidFile(pidfile, child.pid ?? process.pid);
  const stopWaiting = new AbortController();
  const patience = clock.sleep(STARTED_MS, stopWaiting.signal).catch(() => undefined); // it runs, or it ended
  const outcome = await Promise.race([said.ended, said.running, patience]);
  stopWaiting.abort();
  if (outcome !== undefined) {
    await removePidFile(pidfile, child.pid ?? process.pid);
    throw outcome;
  }
  child.stderr?.destroy();
  if (child.connected) child.disconnect();
  child.unref();
}

/** Tells the process that started this one in the background that it need not wait any more. */
export function tellRunning(): void {
  if (process.send === undefined) return;
  process.send(RUNNING, () => {
    if (process.connected) process.disconnect();
  });
}

type Said = { readonly ended: Promise<Error>; readonly running: Promise<undefined> };

function listenTo(child: ChildProcess): Said {
  let complaint = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-COMPLAINT_CHARS);
  });
  return {
    ended: new Promise((resolve) => {
      child.once('error', (error) => {
        resolve(error);
      });
      // Not `exit`: what it said may still be on its way.
      child.once('close', (status) => {
        const said = complaint.trim();
        const ended = `The daemon ended at once with status ${status ?? 'none'}`;
        resolve(new DaemonEndedError(said === '' ? ended : said, status ?? 1));
      });
    }),
    running: new Promise((resolve) => {
      child.once('message', () => {
        resolve(undefined);
      });
    }),
  };
}
