import type { SnapshotImage } from '../image/snapshot-image.ts';
import { awaitActive } from '../provider/await-server.ts';
import { floatingNote } from '../provider/floating-note.ts';
import type { RemoteSession } from '../provider/remote-machine.ts';
import { SCRIPT_FOLDER, scriptCommand } from '../provider/script-command.ts';
import type { BootedBuild } from './boot-build-server.ts';
import { type Build, type BuildDeps, BuildError } from './build.ts';
import { beginStep, recordBuild } from './build-steps.ts';
import type { SetupOutput } from './setup-output.ts';
import { crashPoint } from '../runtime/crash-point.ts';

const MINUTE_MS = 60_000;
const ACTIVE_MS = 60 * MINUTE_MS; // upstream: 3600 s
const LOGIN_MS = 10 * MINUTE_MS; // upstream: 600 s as root
const OTHER_LOGIN_MS = 10_000; // then 10 s for each other user
const SETUP_MS = 6 * 60 * MINUTE_MS;
const STEP_MS = 5 * MINUTE_MS;

/** Cloud images refuse root and say so; these are the distributions' users (upstream: bootstrapImage). */
const OTHER_USERNAMES = ['ubuntu', 'fedora', 'cloud-user', 'centos', 'debian'];
const PATH = '/usr/local/sbin:/sbin:/usr/sbin:/usr/local/bin:/bin:/usr/bin';

/** Waits for the build server, logs in as whoever may, copies the scripts and runs the setup script. */
export async function setUpMachine(
  build: Build & BootedBuild & { readonly output: SetupOutput },
  deps: BuildDeps,
  signal: AbortSignal,
): Promise<SnapshotImage> {
  const serverId = build.row.serverExternalId ?? '';
  deps.task.waitOn(`server ${serverId} to become ACTIVE`);
  const server = await awaitActive({ id: serverId, ms: ACTIVE_MS }, deps, signal);
  const note = floatingNote({ kind: 'build', id: build.row.id, installation: deps.installationId });
  const { public: host } = await deps.cloud.makeReachable(server, { note }, signal);
  crashPoint('build-address-made');
  if (host === undefined) throw new BuildError('Unable to find public IP of server');
  const waiting = await beginStep(build.row, 'wait-ssh', deps);
  deps.task.waitOn(`ssh of ${host}`);
  await using session = await deps.machines.open(
    { host, port: build.provider.sshPort, username: 'root', credentials: build.credentials },
    { timeoutMs: LOGIN_MS, otherTimeoutMs: OTHER_LOGIN_MS, otherUsernames: OTHER_USERNAMES },
    signal,
  );
  crashPoint('build-ssh-open');
  const setUp = await recordBuild(waiting, { step: 'setup', hostKey: session.hostKey }, deps);
  crashPoint('build-host-key-stored');
  const open = { ...build, row: setUp, session };
  await copyScripts(open, deps, signal);
  await runSetup(open, deps, signal);
  crashPoint('setup-ended');
  return setUp;
}

type OpenBuild = Build & { readonly session: RemoteSession; readonly output: SetupOutput };

async function copyScripts(build: OpenBuild, deps: BuildDeps, signal: AbortSignal): Promise<void> {
  const { session } = build;
  const sudo = session.username === 'root' ? '' : 'sudo ';
  // Node files are written by the image's user later, so the folder is open to all (upstream: 0777).
  await mustRun(`${sudo}mkdir -p /etc/nodepool && ${sudo}chmod 0777 /etc/nodepool`, session, signal);
  if (build.scriptDir === undefined) return;
  deps.task.waitOn('the scripts to be copied');
  await session.copyFolder(build.scriptDir, 'scripts', signal);
  // A base image that is itself such a snapshot has the folder already.
  await mustRun(
    `${sudo}rm -rf ${SCRIPT_FOLDER} && ${sudo}mv scripts ${SCRIPT_FOLDER} && ${sudo}chmod -R a+rx ${SCRIPT_FOLDER}`,
    session,
    signal,
  );
}

async function runSetup(build: OpenBuild, deps: BuildDeps, signal: AbortSignal): Promise<void> {
  const script = build.image.setup;
  if (script === undefined) throw new BuildError(`Image ${build.image.name} has no setup script`);
  const name = `setup script ${script}`;
  deps.task.waitOn(name);
  const call = { script, argument: build.row.hostname ?? '', environment: deps.scriptEnvironment };
  crashPoint('setup-sent');
  const { session, output } = build;
  const result = await session.run(
    `export PATH=${PATH}; ${scriptCommand(call, deps.quoteForShell)} && sync`,
    {
      name,
      timeoutMs: SETUP_MS,
      pty: true,
      onLine: (line) => {
        output.take(line);
      },
    },
    signal,
  );
  await output.written();
  if (result.status === 0) return;
  throw new BuildError(`The ${name} ended with ${endOf(result)}: ${output.redact(result.tail).trim()}`);
}

async function mustRun(command: string, session: RemoteSession, signal: AbortSignal): Promise<void> {
  const result = await session.run(command, { name: command, timeoutMs: STEP_MS }, signal);
  if (result.status !== 0) throw new BuildError(`"${command}" ended with ${endOf(result)}: ${result.tail.trim()}`);
}

function endOf(result: { readonly status: number | undefined; readonly signal: string | undefined }): string {
  return result.status === undefined ? `signal ${result.signal ?? 'unknown'}` : `status ${result.status}`;
}
