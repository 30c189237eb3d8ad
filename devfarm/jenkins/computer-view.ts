import type { ApiView } from './api-json.ts';
import type { Computer, Executor } from './computer.ts';
import type { JenkinsWorld } from './jenkins-world.ts';

const NO_MONITORS = {
  'hudson.node_monitors.SwapSpaceMonitor': null,
  'hudson.node_monitors.TemporarySpaceMonitor': null,
  'hudson.node_monitors.DiskSpaceMonitor': null,
  'hudson.node_monitors.ArchitectureMonitor': null,
  'hudson.node_monitors.ResponseTimeMonitor': null,
  'hudson.node_monitors.ClockMonitor': null,
};

/** `/computer/N/api/json` */
export function viewComputer(computer: Computer, world: JenkinsWorld): ApiView {
  const cause = computer.offlineCause;
  const of = (executors: readonly unknown[], offlineCause: unknown): unknown => ({
    _class: computer.isBuiltIn ? 'hudson.model.Hudson$MasterComputer' : 'hudson.slaves.SlaveComputer',
    actions: [],
    assignedLabels: computer.labels.map((name) => ({ name })),
    description: computer.record.description,
    displayName: computer.isBuiltIn ? 'master' : computer.name,
    executors,
    icon: `${iconOf(computer)}.${computer.isConnected ? 'png' : 'gif'}`,
    iconClassName: `icon-${iconOf(computer)}`,
    idle: computer.isIdle,
    jnlpAgent: false,
    launchSupported: true,
    loadStatistics: { _class: 'hudson.model.Label$1' },
    manualLaunchAllowed: true,
    monitorData: NO_MONITORS,
    numExecutors: computer.record.executors,
    offline: computer.isOffline,
    offlineCause,
    offlineCauseReason: cause?.reason ?? '',
    oneOffExecutors: [],
    temporarilyOffline: computer.switchedOff !== undefined,
    ...(!computer.isBuiltIn && { absoluteRemotePath: computer.isConnected ? computer.record.remoteFolder : null }),
  });
  const causeClass = cause === undefined ? null : { _class: `hudson.slaves.OfflineCause$${cause.kind}` };
  return {
    plain: of(
      computer.executors.map(() => ({})),
      causeClass,
    ),
    full: of(
      computer.executors.map((executor) => viewExecutor(executor, world)),
      cause === undefined ? null : { ...causeClass, timestamp: cause.atMs, ...describedBy(cause, world) },
    ),
  };
}

/** `/computer/api/json` */
export function viewComputerSet(world: JenkinsWorld): ApiView {
  const computers = world.computers.all();
  const executors = computers.flatMap((computer) => computer.executors);
  const of = (computer: readonly unknown[]): unknown => ({
    _class: 'hudson.model.ComputerSet',
    busyExecutors: executors.filter(({ build }) => build !== undefined).length,
    computer,
    displayName: 'nodes',
    totalExecutors: computers.filter((one) => !one.isOffline).flatMap((one) => one.executors).length,
  });
  const views = computers.map((computer) => viewComputer(computer, world));
  return { plain: of(views.map(({ plain }) => plain)), full: of(views.map(({ full }) => full)) };
}

function viewExecutor({ build, number }: Executor, { baseUrl }: JenkinsWorld): unknown {
  const url = build === undefined ? '' : `${baseUrl()}/job/${encodeURIComponent(build.job)}/${build.number}/`;
  return {
    currentExecutable:
      build === undefined ? null : { _class: 'hudson.model.FreeStyleBuild', number: build.number, url },
    idle: build === undefined,
    likelyStuck: false,
    number,
    progress: build === undefined ? -1 : 50,
  };
}

function describedBy(cause: { readonly kind: string; readonly reason: string }, { options }: JenkinsWorld): object {
  return cause.kind === 'UserCause' ? { description: `Disconnected by ${options.user} : ${cause.reason}` } : {};
}

function iconOf(computer: Computer): string {
  if (computer.switchedOff !== undefined) return 'computer-user-offline';
  if (computer.isConnected) return 'computer';
  return computer.disconnected === undefined ? 'computer-flash' : 'computer-x';
}
