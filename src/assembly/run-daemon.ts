import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { Database, Enlistment } from '../db/database.ts';
import type { DaemonLife } from '../db/daemon-life.ts';
import type { DaemonRole } from '../node/daemon-store.ts';
import { openJobEvents } from '../events/open-job-events.ts';
import { QueueStatusSource } from '../gearman/queue-status-source.ts';
import type { Credential } from '../provider/remote-machine.ts';
import { systemClock } from '../runtime/clock.ts';
import { runControlLoop } from '../runtime/control-loop.ts';
import { DatabaseUnavailableError, describeError, isAbort } from '../runtime/errors.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import type { Logger } from '../runtime/logger.ts';
import type { LoggerTree } from '../runtime/logging/logger-tree.ts';
import { systemRandomness } from '../runtime/randomness.ts';
import type { TaskBoard } from '../runtime/task-board.ts';
import type { Wakeup } from '../runtime/wakeup.ts';
import { RsaKeyPairs } from '../ssh/rsa-key-pairs.ts';
import { quoteForShell } from '../ssh/quote-for-shell.ts';
import { SshMachines } from '../ssh/ssh-machines.ts';
import { openMetrics } from '../metrics/open-metrics.ts';
import { announceStanding } from './announce-standing.ts';
import { Clients } from './clients.ts';
import { ConfigWatch } from './config-watch.ts';
import { type DaemonRoles, runDaemonLoops } from './daemon-loops.ts';
import { Daemon } from './daemon.ts';
import { ImageFailureHook } from './image-failure-hook.ts';
import { takeInJobEvents } from './job-event-intake.ts';
import { missingSecrets } from './missing-secrets.ts';
import { startEmbeddedBuilder } from './embedded-builder.ts';
import { openBuilderJobs, type OpenBuilderJobs } from './open-builder-jobs.ts';
import { openState } from './open-state.ts';
import { jobEventDeps } from './pass-deps.ts';
import { openProgramFrame, type Starter, tellWhyNot } from './program-frame.ts';
import { rememberedRounds } from './remembered-rounds.ts';
import type { ConfigFiles } from './read-config-files.ts';
import { scriptEnvironment } from './script-environment.ts';
import { VERSION } from './version.ts';

const CONFIG_POLL_MS = 10_000;
const GAUGES_MS = 10_000;
const SETTLE_MS = 15_000;
/** A daemon that was taken for dead and finds no database tries again so often. */
const REBIRTH_MS = 2_000;

export type DaemonRun = ConfigFiles &
  DaemonRoles &
  Starter & {
    /** Whether it has an image builder of its own (upstream: --no-builder), with so many workers. */
    readonly builder: boolean;
    readonly buildWorkers: number;
    readonly uploadWorkers: number;
  };

/** Runs the daemon in this process until a signal stops it; gives its exit status: 2 for a configuration without use. */
export async function runDaemon(options: DaemonRun, logging: LoggerTree): Promise<number> {
  using frame = openProgramFrame(logging);
  const { log, tasks, reload, stop } = frame;
  try {
    const unfinished = await runUntilStopped({ options, log, tasks, reload }, stop);
    log.info('Nodepool has stopped', { unfinished });
    return 0;
  } catch (error) {
    if (stop.aborted) {
      if (!isAbort(error, stop)) log.warn('Nodepool did not stop cleanly', { error });
      return 0;
    }
    return tellWhyNot(error, { ...options, name: 'daemon', log });
  }
}

type Run = {
  readonly options: DaemonRun;
  readonly log: Logger;
  readonly tasks: TaskBoard;
  readonly reload: Wakeup;
};

/** Gives how many tasks did not end in time. */
async function runUntilStopped(run: Run, signal: AbortSignal): Promise<number> {
  const { options, log } = run;
  const base = { clock: systemClock, randomness: systemRandomness, log, tasks: run.tasks };
  const watch = await ConfigWatch.open(options, { log, clock: systemClock });
  const missing = await missingSecrets(options.secure, watch.config);
  if (missing !== undefined) log.warn(`Secrets ${options.secure}: ${missing}`);
  await using database = await openState({ config: watch.config, program: 'nodepoold' }, base, signal);
  const metrics = openMetrics(process.env, { clock: systemClock, log: log.child('stats') });
  await using _builder = options.builder ? startBuilder(run, { base, watch, metrics }, signal) : undefined;
  const lasting = { ...run, base, watch, database, metrics };
  let unfinished = await runLife(lasting, signal);
  while (!signal.aborted) {
    unfinished = await runLife(lasting, signal).catch(async (error: unknown) => {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      log.warn('The database is away; this daemon goes on when it is back', { error });
      await systemClock.sleep(REBIRTH_MS, signal).catch(() => undefined); // stopped: the loop ends
      return 0;
    });
  }
  return unfinished;
}

/** Of the process, not of one life: a build goes on though others took the daemon for dead. */
function startBuilder(
  { options }: Run,
  { base, watch, metrics }: Pick<Lasting, 'base' | 'watch' | 'metrics'>,
  signal: AbortSignal,
): AsyncDisposable {
  const { buildWorkers, uploadWorkers } = options;
  const deps = { ...base, metrics: metrics.diskImages, ...metrics.calls, environment: process.env };
  return startEmbeddedBuilder({ config: () => watch.config, buildWorkers, uploadWorkers }, deps, signal);
}

/** What one life of the daemon leaves to the next. */
type Lasting = Run & {
  readonly base: Pick<Daemon['parts'], 'clock' | 'randomness' | 'log' | 'tasks'>;
  readonly watch: ConfigWatch;
  readonly database: Database;
  readonly metrics: ReturnType<typeof openMetrics>;
};

/**
 * Runs until stopped, or until others took this daemon for dead: then all its work ends, and it begins anew. Gives how many
 * tasks did not end in time.
 */
async function runLife(lasting: Lasting, stop: AbortSignal): Promise<number> {
  const { log } = lasting;
  const { life, database } = await lasting.database.enlist(enlistment(lasting.options));
  await using _life = life;
  using joined = joinSignals(stop, life.ended);
  announceStanding(life, log);
  life.ended.addEventListener('abort', () => {
    log.warn(`This daemon was taken for dead (${describeError(life.ended.reason)}); it begins anew`);
  });
  const unfinished = await live({ ...lasting, database, life }, joined.signal).catch((error: unknown) => {
    if (!life.ended.aborted || stop.aborted) throw error;
    return 0;
  });
  return unfinished;
}

function enlistment(roles: DaemonRoles): Enlistment {
  const named: readonly DaemonRole[] = ['launches', 'deletes', 'images'];
  return { host: hostname(), pid: process.pid, version: VERSION, roles: named.filter((role) => roles[role]) };
}

async function live(parts: Lasting & { readonly life: DaemonLife }, signal: AbortSignal): Promise<number> {
  const { options, base, watch, reload, database, metrics, log, life } = parts;
  await using clients = new Clients(watch.config, { ...base, ...metrics.calls });
  const gearmanLog = log.child('GearmanClient');
  const queueStatus = new QueueStatusSource(watch.config.gearmanServers, { ...base, log: gearmanLog });
  await using builderJobs = openBuilderJobs(watch.config, { ...base, log: gearmanLog, queueStatus });
  await using imageFailures = new ImageFailureHook(() => clients.config, {
    ...base,
    log: log.child('ImageUpdater'),
    environment: process.env,
  });
  const daemon = new Daemon(
    {
      ...{ ...base, database, clients, quoteForShell, accountKeys: accountKeys(), metrics: metrics.nodes },
      machines: new SshMachines({ ...base, log: log.child('utils') }),
      keyPairs: new RsaKeyPairs(),
      queueStatus,
      builderJobs: builderJobs.jobs,
      imageFailures,
      scriptEnvironment: scriptEnvironment(),
      leads: (role) => life.leads(role),
    },
    await rememberedRounds(database),
  );
  await using events = listenToEvents(daemon, options, signal);
  const stopListening = database.onChange(({ table }) => {
    daemon.onRowsChanged(table);
  });
  life.onNews(() => {
    daemon.onStandingChanged();
  });
  await daemon.freeze.poll(); // before the first launch
  const facts = { installation: database.installationId, config: options.config, daemon: life.identity.number };
  log.info('Nodepool is running', facts);
  options.onRunning?.();
  await Promise.all([
    runDaemonLoops(daemon, options, signal),
    runControlLoop(gaugesLoop(daemon, metrics), { ...base, log: log.child('stats') }, signal),
    runControlLoop(
      configLoop({ watch, reload, daemon, events, builderJobs }),
      { ...base, log: log.child('NodePool') },
      signal,
    ),
  ]);
  stopListening();
  daemon.parts.queueStatus.close();
  await life.resign(['allocation', 'reconciliation']); // what has no tasks: others need not wait for ours
  await settle([daemon, imageFailures]);
  return daemon.launches.size + daemon.deletions.size;
}

function gaugesLoop({ parts }: Daemon, metrics: Lasting['metrics']): Parameters<typeof runControlLoop>[0] {
  return {
    name: 'stats',
    intervalMs: GAUGES_MS,
    pass: async () => {
      metrics.sendGauges(await parts.database.nodes.count(), parts.clients.config);
    },
  };
}

/** Gives the work under way time to store where it stands. */
async function settle(works: readonly { settled(): Promise<void> }[]): Promise<void> {
  const done = new AbortController();
  const patience = systemClock.sleep(SETTLE_MS, done.signal).catch(() => undefined); // settled before
  await Promise.race([Promise.all(works.map((work) => work.settled())), patience]);
  done.abort();
}

type Events = AsyncDisposable & { setPublishers(endpoints: readonly string[]): void };

function listenToEvents(daemon: Daemon, roles: DaemonRoles, signal: AbortSignal): Events {
  const { clients, log, clock } = daemon.parts;
  const deps = jobEventDeps(daemon, signal);
  const events = openJobEvents(
    roles.deletes ? clients.config.zmqPublishers : [],
    {
      onEvents: async (batch) => {
        daemon.demand.markStale(); // jobs came or went
        await takeInJobEvents(batch, deps, signal);
      },
      onResync: (reason) => {
        log.child('NodeUpdateListener').debug(`Events may have been missed: ${reason}`);
        daemon.singleUse.distrustJobs();
        daemon.wakeReconcile.wake();
      },
      clock,
      log,
    },
    signal,
  );
  return {
    setPublishers: (endpoints) => {
      if (roles.deletes) events.setPublishers(endpoints);
    },
    [Symbol.asyncDispose]: () => events.close(),
  };
}

function configLoop(parts: {
  readonly watch: ConfigWatch;
  readonly reload: Wakeup;
  readonly daemon: Daemon;
  readonly events: Events;
  readonly builderJobs: OpenBuilderJobs;
}): Parameters<typeof runControlLoop>[0] {
  const { watch, reload, daemon, events, builderJobs } = parts;
  return {
    name: 'config',
    intervalMs: CONFIG_POLL_MS,
    wakeup: reload,
    pass: async (signal) => {
      const config = await watch.reload(signal);
      if (daemon.parts.clients.keepsRetired) await releaseUnused(daemon);
      if (config === undefined) return;
      daemon.parts.clients.use(config);
      daemon.parts.queueStatus.setServers(config.gearmanServers);
      builderJobs.use(config);
      events.setPublishers(config.zmqPublishers);
      daemon.breakers.endPauses();
      daemon.wakeAllocation.wake();
      daemon.wakeAllImages();
    },
  };
}

/** Lets go of the clients of removed sections once no row names them. */
async function releaseUnused({ parts: { clients, database } }: Daemon): Promise<void> {
  const [nodes, images] = await Promise.all([database.nodes.count(), database.images.list()]);
  clients.releaseUnused({
    providers: new Set([...nodes, ...images].map(({ provider }) => provider)),
    targets: new Set(nodes.map(({ target }) => target)),
  });
}

/** The account's own keys, offered to build servers where the provider names a keypair (upstream 0.2). */
function accountKeys(): readonly Credential[] {
  return ['id_rsa', 'id_ecdsa', 'id_ed25519'].map((name) => ({
    kind: 'key-file',
    path: join(homedir(), '.ssh', name),
  }));
}
