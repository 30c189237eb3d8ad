import { withDeadline } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Launch, LaunchDeps } from './launch.ts';

const LINES = 100;
const MAX_BYTES = 16 * 1024;
const DEADLINE_MS = 10_000;

/**
 * Tells what the server of a failed launch last said on its console, in the log and in the node's history, where the label
 * or the image asks for it (later Nodepool: `console-log`). To be called before the deletion begins. Takes 10 s at most and
 * never throws: a console that cannot be read is no reason to keep a server.
 */
export async function tellConsole(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<void> {
  if (!launch.label.consoleLog && !launch.image.consoleLog) return;
  const { id } = launch.node;
  const deadline = { what: `the console of node id: ${id}`, ms: DEADLINE_MS };
  try {
    await withDeadline(deadline, { clock: deps.clock, signal }, (inner) => readAndTell(id, deps, inner));
  } catch (error) {
    if (!signal.aborted) deps.log.info(`Console of node id: ${id} is not known: ${describeError(error)}`);
  }
}

async function readAndTell(id: number, deps: LaunchDeps, signal: AbortSignal): Promise<void> {
  const serverId = (await deps.nodes.find(id))?.externalId; // the row that the launch began with may not have it
  if (serverId === undefined) return;
  deps.task.waitOn(`the console of server ${serverId}`);
  const text = endOf(await deps.cloud.readConsole(serverId, LINES, signal));
  signal.throwIfAborted();
  const lines = text === '' ? [] : text.split('\n');
  deps.log.info(`Console of node id: ${id}, server ${serverId}: ${lines.length} lines`);
  for (const line of lines) deps.log.info(`Node id: ${id} console: ${line}`);
  if (lines.length === 0) return;
  await deps.history.note({ subject: 'node', subjectId: id, event: 'console', who: 'launcher', why: text });
}

/** The last lines, not more than are kept. Clouds give whatever a machine wrote; the database holds no zero bytes. */
function endOf(console: string): string {
  const bytes = Buffer.from(console);
  const isLong = bytes.length > MAX_BYTES;
  const kept = isLong ? bytes.subarray(-MAX_BYTES).toString() : console;
  const whole = isLong ? kept.slice(kept.indexOf('\n') + 1) : kept; // its first line lost its beginning
  const lines = whole.replaceAll('\0', '').replaceAll('\r\n', '\n').trimEnd().split('\n');
  return lines.slice(-LINES).join('\n');
}
