import type { ApiView } from './api-json.ts';
import type { QueueItem } from './build-queue.ts';
import type { JenkinsWorld } from './jenkins-world.ts';
import { referToJob, startedBy } from './job-view.ts';

/** `/queue/api/json` */
export function viewQueue(world: JenkinsWorld): ApiView {
  const newestFirst = [...world.queue.waiting()].reverse();
  const items = newestFirst.map((item) => viewQueueItem(item, world).full);
  const view = { _class: 'hudson.model.Queue', discoverableItems: [], items };
  return { plain: view, full: view };
}

/** `/queue/item/I/api/json` */
export function viewQueueItem(item: QueueItem, world: JenkinsWorld): ApiView {
  const job = world.jobs.find(item.job);
  const waiting = item.left === undefined ? world.queue.waitsFor(item) : undefined;
  const kind = waiting?.kind ?? 'LeftItem';
  const entries = Object.entries(item.parameters);
  const parameters = entries.map(([name, value]) => ({ _class: 'hudson.model.StringParameterValue', name, value }));
  const view = {
    _class: `hudson.model.Queue$${kind}`,
    actions: [...parametersAction(parameters), startedBy(world.options.user)],
    blocked: kind === 'BlockedItem',
    buildable: kind === 'BuildableItem',
    id: item.id,
    inQueueSince: item.queuedAtMs,
    params: entries.map(([name, value]) => `\n${name}=${value}`).join(''),
    stuck: false,
    task: job === undefined ? {} : referToJob(job, world),
    url: `queue/item/${item.id}/`,
    why: waiting?.why ?? null,
    ...(kind === 'LeftItem' ? leftFields(item, world) : waitingFields(item, kind)),
  };
  return { plain: view, full: view };
}

function parametersAction(parameters: readonly unknown[]): readonly unknown[] {
  return parameters.length === 0 ? [] : [{ _class: 'hudson.model.ParametersAction', parameters }];
}

function waitingFields(item: QueueItem, kind: string): object {
  if (kind === 'WaitingItem') return { timestamp: item.dueAtMs };
  return { buildableStartMilliseconds: item.dueAtMs, ...(kind === 'BuildableItem' && { pending: false }) };
}

function leftFields({ left }: QueueItem, { baseUrl }: JenkinsWorld): object {
  const build = left?.build;
  if (build === undefined) return { cancelled: true, executable: null };
  const url = `${baseUrl()}/job/${encodeURIComponent(build.job)}/${build.number}/`;
  return { cancelled: false, executable: { _class: 'hudson.model.FreeStyleBuild', number: build.number, url } };
}
