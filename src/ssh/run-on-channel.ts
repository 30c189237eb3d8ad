import { once } from 'node:events';
import type { ClientChannel } from 'ssh2';
import type { RunResult } from '../provider/remote-machine.ts';
import type { Clock } from '../runtime/clock.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import { unlessAborted } from '../runtime/unless-aborted.ts';
import { LineSplitter } from './line-splitter.ts';
import { OutputTail } from './output-tail.ts';

/** How long output may still come after the command's end: a daemon that it started may hold the channel open for ever. */
const LAST_OUTPUT_MS = 5_000;

export type ChannelRunDeps = { readonly clock: Clock; readonly onLine: (line: string) => void };

type Exit = { readonly status: number | undefined; readonly signal: string | undefined };

/**
 * Follows a command to its end. Undefined: the channel closed without telling how the command ended.
 * @throws the signal's reason, and what `onLine` throws; the command is then killed and the channel closed
 */
export async function runOnChannel(
  channel: ClientChannel,
  deps: ChannelRunDeps,
  signal: AbortSignal,
): Promise<RunResult | undefined> {
  const stop = new AbortController();
  using either = joinSignals(stop.signal, signal);
  const tail = new OutputTail();
  readLines(channel, stop, (line) => {
    tail.add(line);
    deps.onLine(line);
  });
  try {
    const exit = await unlessAborted(untilEnd(channel, deps.clock, stop.signal), either.signal);
    return exit && { ...exit, tail: tail.toString() };
  } catch (error) {
    cutOff(channel);
    throw error;
  } finally {
    stop.abort();
  }
}

function readLines(channel: ClientChannel, stop: AbortController, onLine: (line: string) => void): void {
  const guarded = (line: string): void => {
    if (stop.signal.aborted) return;
    try {
      onLine(line);
    } catch (error) {
      stop.abort(error); // thrown here, in a stream's event, it would end the process
    }
  };
  channel.on('error', (error: Error) => {
    stop.abort(error);
  });
  for (const stream of [channel, channel.stderr]) {
    const splitter = new LineSplitter(guarded);
    stream.on('data', (chunk: Buffer) => {
      splitter.push(chunk);
    });
    stream.on('end', () => {
      splitter.end();
    });
  }
}

async function untilEnd(channel: ClientChannel, clock: Clock, stop: AbortSignal): Promise<Exit | undefined> {
  let exit: Exit | undefined;
  const exited = new Promise<void>((resolve) => {
    channel.once('exit', (status: number | null, signalName?: string) => {
      exit = { status: status ?? undefined, signal: signalName };
      resolve();
    });
  });
  const waited = exited.then(() => clock.sleep(LAST_OUTPUT_MS, stop));
  waited.catch(() => undefined); // stopped: the channel closed by itself
  await Promise.race([Promise.all([once(channel, 'close'), once(channel.stderr, 'close')]), waited]);
  channel.close();
  return exit;
}

/** Ends a command as far as its machine lets us: some servers know no signals. */
function cutOff(channel: ClientChannel): void {
  try {
    channel.signal('KILL');
    channel.close();
  } catch {
    // the connection is gone, and with it the channel
  }
}
