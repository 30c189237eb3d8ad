import { readdirSync } from 'node:fs';
import { memoryOf } from '../bench/rig/process-memory.ts';
import { systemClock } from '../src/runtime/clock.ts';
import type { LoggedProcess } from '../test/integration/logged-process.ts';

const EVERY_MS = 3_000;
const COMPLAINT = / (?:WARNING|ERROR) /;

/** What the daemon takes: the most that was seen. */
export type Usage = { readonly files: number; readonly mib: number; readonly connections: number };

/** Looks at a daemon from outside, until it is disposed of: its tasks, by its own signal for that, memory and files. */
export class DaemonWatch implements AsyncDisposable {
  readonly #daemon: LoggedProcess;
  readonly #connections: () => number;
  readonly #since: number;
  readonly #over = new AbortController();
  readonly #looking: Promise<void>;
  #most: Usage = { files: 0, mib: 0, connections: 0 };

  /** @param connections to the database, now */
  constructor(daemon: LoggedProcess, connections: () => number) {
    this.#daemon = daemon;
    this.#connections = connections;
    this.#since = daemon.mark();
    this.#looking = this.#look(this.#over.signal);
  }

  get most(): Usage {
    return this.#most;
  }

  /** Seconds that each loop's pass has been under way at most. */
  passes(): ReadonlyMap<string, number> {
    const longest = new Map<string, number>();
    const lines = this.#daemon.lines.slice(this.#since);
    for (const [index, line] of lines.entries()) {
      const name = /^Thread: Loop (\S+) /.exec(line)?.[1];
      const seconds = Number(/^ {2}waits on its pass for ([\d.]+) s/.exec(lines[index + 1] ?? '')?.[1] ?? 0);
      if (name !== undefined) longest.set(name, Math.max(longest.get(name) ?? 0, seconds));
    }
    return longest;
  }

  /** Warnings and errors by their text without numbers and what follows it. */
  complaints(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const line of this.#daemon.lines.slice(this.#since)) {
      if (!COMPLAINT.test(line)) continue;
      const text = line.replace(/^.*? (?:WARNING|ERROR) /, '').replaceAll(/[0-9a-f-]{36}|\d+/g, 'N');
      const short = text.replace(/ (?:\(and N more|\(N times|error=).*/, '').slice(0, 120);
      counts.set(short, (counts.get(short) ?? 0) + 1);
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#looking;
  }

  async #look(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#daemon.hasEnded) {
      this.#note();
      this.#daemon.signal('SIGUSR2');
      await systemClock.sleep(EVERY_MS, signal).catch(() => undefined); // enough: the loop ends
    }
  }

  #note(): void {
    const now = usageOf(this.#daemon.pid, this.#connections());
    this.#most = {
      files: Math.max(this.#most.files, now.files),
      mib: Math.max(this.#most.mib, now.mib),
      connections: Math.max(this.#most.connections, now.connections),
    };
  }
}

export function usageOf(pid: number, connections: number): Usage {
  return { files: readdirSync(`/proc/${pid}/fd`).length, mib: Math.round(memoryOf(pid).nowMib), connections };
}
