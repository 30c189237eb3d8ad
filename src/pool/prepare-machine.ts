import type { Node } from '../node/node.ts';
import {
  type KeyPairOrder,
  type Login,
  RemoteError,
  type RemoteSession,
  type RunResult,
} from '../provider/remote-machine.ts';
import { DeadlineExceededError, describeError } from '../runtime/errors.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { LaunchError, launchTimeout } from './launch-error.ts';
import { beginStep, recordLaunch, remainingMs } from './launch-steps.ts';
import type { Launch, LaunchDeps } from './launch.ts';
import { nodeFiles, PRIVATE_FILES } from './node-files.ts';
import { scriptCommand } from '../provider/script-command.ts';
import { requireServer } from './wait-for-address.ts';
import { crashPoint } from '../runtime/crash-point.ts';

/** Where the node files go; the folder must be there and writable (snapshot builds make it 0777). */
const NODE_FOLDER = '/etc/nodepool';
const LIST_TIMEOUT_MS = 60_000;
const MACHINE_FAULT = { outcome: 'error.unknown', blames: 'machine' } as const;

/** A node whose machine is as it should be, and when it first answered on the monotonic clock. */
export type PreparedNode = { readonly node: Node; readonly reachedMs: number };

/** A launch whose server has an address, and the key pair that was ordered for the machine. */
type ReachableLaunch = Launch & { readonly keyPairOrder: KeyPairOrder };

/** Logs in, writes the node's files and runs its ready script, in one session. */
export async function prepareMachine(
  launch: ReachableLaunch,
  deps: LaunchDeps,
  signal: AbortSignal,
): Promise<PreparedNode> {
  const waiting = await beginStep(launch.node, 'wait-ssh', deps);
  await using session = await openSession({ ...launch, node: waiting }, deps, signal);
  crashPoint('ssh-open');
  const reachedMs = deps.clock.monotonicMs();
  try {
    const facts = { hostKey: session.hostKey, step: 'write-files', stepStartedAt: deps.clock.now() } as const;
    const writing = await recordLaunch(waiting, facts, deps);
    crashPoint('host-key-stored');
    await writeNodeFiles({ ...launch, node: writing, session }, deps, signal);
    crashPoint('node-files-written');
    const node = await runReadyScript({ ...launch, node: writing, session }, deps, signal);
    return { node, reachedMs };
  } catch (error) {
    if (!(error instanceof DeadlineExceededError)) throw error;
    throw launchTimeout(launch, { outcome: 'error.unknown', blames: 'machine' }, error);
  }
}

/** How to log in to a node of this label. */
export function nodeLogin(launch: Pick<Launch, 'node' | 'image' | 'provider'>): Login {
  const { node, image, provider } = launch;
  if (node.ip === undefined) throw new Error(`Node ${node.id} has no address`);
  return definedOnly({
    host: node.ip,
    port: provider.sshPort,
    username: image.username,
    credentials: [{ kind: 'key-file' as const, path: image.privateKey }],
    hostKey: node.hostKey,
  });
}

async function openSession(launch: Launch, deps: LaunchDeps, signal: AbortSignal): Promise<RemoteSession> {
  const { node, provider, image } = launch;
  deps.task.waitOn(`ssh of ${node.ip ?? 'an unknown address'}`);
  const timeoutMs = remainingMs(node, provider.bootTimeoutMs, deps);
  try {
    return await deps.machines.open(nodeLogin(launch), { timeoutMs }, signal);
  } catch (error) {
    signal.throwIfAborted();
    const kind = { outcome: loginOutcome(error), blames: 'machine' } as const;
    if (error instanceof DeadlineExceededError) throw launchTimeout(launch, kind, error);
    if (!(error instanceof RemoteError)) throw error;
    const message = `Cannot log in to node id: ${node.id} as ${image.username}: ${describeError(error)}`;
    throw new LaunchError(kind, message, { cause: error });
  }
}

/** Whether the machine refused us, or could not be reached. */
function loginOutcome(error: unknown): 'error.auth' | 'error.ssh' {
  const cause = error instanceof DeadlineExceededError ? error.cause : error;
  return cause instanceof RemoteError && cause.fault !== 'connection' ? 'error.auth' : 'error.ssh';
}

type OpenLaunch<L extends Launch> = L & { readonly session: RemoteSession };

async function writeNodeFiles(
  launch: OpenLaunch<ReachableLaunch>,
  deps: LaunchDeps,
  signal: AbortSignal,
): Promise<void> {
  const { session } = launch;
  deps.task.waitOn('the node files to be written');
  const look = await session.run(
    `ls ${NODE_FOLDER}`,
    { name: `ls ${NODE_FOLDER}`, timeoutMs: LIST_TIMEOUT_MS },
    signal,
  );
  if (look.status !== 0) {
    throw new LaunchError(MACHINE_FAULT, `There is no ${NODE_FOLDER} on the machine: ${look.tail}`);
  }
  const keyPair = await launch.keyPairOrder.take(signal);
  for (const [name, content] of nodeFiles({ ...launch, serverId: requireServer(launch.node) }, keyPair)) {
    await session.writeFile(`${NODE_FOLDER}/${name}`, content, PRIVATE_FILES.has(name) ? { mode: 0o600 } : {}, signal);
  }
}

async function runReadyScript(launch: OpenLaunch<Launch>, deps: LaunchDeps, signal: AbortSignal): Promise<Node> {
  const script = launch.label.readyScript;
  if (script === undefined) return launch.node;
  const running = await beginStep(launch.node, 'ready-script', deps);
  const name = `ready script ${script} of node id: ${running.id}`;
  deps.task.waitOn(name);
  const log = deps.log;
  const command = scriptCommand(
    { script, argument: running.hostname ?? '', environment: deps.scriptEnvironment },
    deps.quoteForShell,
  );
  crashPoint('ready-script-sent');
  const result = await launch.session.run(
    command,
    {
      name,
      timeoutMs: launch.provider.launchTimeoutMs, // upstream waits for ever
      pty: true,
      onLine: (line) => {
        log.debug(`Node id: ${running.id} ready script: ${line}`);
      },
    },
    signal,
  );
  crashPoint('ready-script-ended');
  if (result.status === 0) return running;
  const end = result.status === undefined ? `signal ${result.signal ?? 'unknown'}` : `status ${result.status}`;
  const hint = isMissing(script, result)
    ? `: the image may be older than the script, update image ${launch.image.name}`
    : '';
  throw new LaunchError(MACHINE_FAULT, `Ready script ${script} ended with ${end}: ${result.tail.trim()}${hint}`);
}

/** Scripts come with the image; the shell names one that it does not find. */
function isMissing(script: string, { status, tail }: RunResult): boolean {
  return status === 127 && tail.includes(`./${script}`);
}
