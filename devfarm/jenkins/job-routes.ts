import { apiJson } from './api-json.ts';
import type { BuildRecord, JobRecord } from './farm-records.ts';
import {
  type Answer,
  type Call,
  created,
  jettyError,
  notFound,
  oops,
  plainText,
  refused,
  renderedPage,
  type Route,
  wrongMethod,
} from './http-answer.ts';
import type { JenkinsWorld } from './jenkins-world.ts';
import { viewBuild, viewJob } from './job-view.ts';
import { parseProjectXml } from './parse-project-xml.ts';
import { viewQueue, viewQueueItem } from './queue-view.ts';

/** Jenkins' jobs, their builds, and the queue: `/job/…`, `/queue/…`, `/createItem`. */
export function jobRoutes(world: JenkinsWorld): readonly Route[] {
  const ofJob =
    (handle: (job: JobRecord, call: Call) => Answer): Route['handle'] =>
    (call) => {
      const job = world.jobs.find(call.parameters['job'] ?? '');
      return job === undefined ? notFound(call) : handle(job, call);
    };
  const ofBuild = (handle: (build: BuildRecord, call: Call) => Answer): Route['handle'] =>
    ofJob((job, call) => {
      const build = findBuild(job, call.parameters['number'] ?? '', world);
      return build === undefined ? notFound(call) : handle(build, call);
    });
  const otherMethod = wrongMethod('Form post required [Jenkins]');
  return [
    { method: 'POST', path: 'createItem', handle: (call) => createJob(call, world) },
    { method: 'GET', path: 'job/:job/api/json', handle: ofJob((job, call) => apiJson(call, viewJob(job, world))) },
    { method: 'POST', path: 'job/:job/build', otherMethod, handle: ofJob((job, call) => build(job, call, world)) },
    {
      method: 'POST',
      path: 'job/:job/buildWithParameters',
      otherMethod,
      handle: ofJob((job, call) => buildWithParameters(job, call, world)),
    },
    {
      method: 'GET',
      path: 'job/:job/:number/api/json',
      handle: ofBuild((found, call) => apiJson(call, viewBuild(found, world))),
    },
    {
      method: 'GET',
      path: 'job/:job/:number/consoleText',
      handle: ofBuild((found) => plainText(world.jobs.logs.read(found.id))),
    },
    ...queueRoutes(world),
  ];
}

function queueRoutes(world: JenkinsWorld): readonly Route[] {
  return [
    { method: 'GET', path: 'queue/api/json', handle: (call) => apiJson(call, viewQueue(world)) },
    {
      method: 'GET',
      path: 'queue/item/:id/api/json',
      handle: (call) => {
        const item = world.queue.find(Number(call.parameters['id']));
        return item === undefined ? notFound(call) : apiJson(call, viewQueueItem(item, world));
      },
    },
    {
      method: 'POST',
      path: 'queue/cancelItem',
      handle: (call) => (world.queue.cancel(Number(call.query.get('id'))) ? { status: 204 } : oops()),
    },
  ];
}

function createJob({ query, body }: Call, { bell, jobs }: JenkinsWorld): Answer {
  const name = query.get('name') ?? '';
  if (name === '') return refused("Query parameter 'name' is required");
  if (!jobs.make(parseProjectXml(name, body))) return refused(`A job already exists with the name  ${name} `);
  bell.ring();
  return { status: 200 };
}

function build(job: JobRecord, call: Call, world: JenkinsWorld): Answer {
  if (Object.keys(job.parameters).length > 0) {
    return jettyError(400, 'Nothing is submitted', call.target.split('?', 1)[0] ?? '');
  }
  return enqueue(job, call, world);
}

function buildWithParameters(job: JobRecord, call: Call, world: JenkinsWorld): Answer {
  if (Object.keys(job.parameters).length === 0) return oops();
  return enqueue(job, call, world);
}

function enqueue(job: JobRecord, { query }: Call, { baseUrl, options, queue }: JenkinsWorld): Answer {
  if (job.disabled) return renderedPage(409, { text: 'Oops! A problem occurred while processing the request.' });
  const delayMs = readDelay(query.get('delay')) ?? options.timing.quietPeriodMs;
  if (Number.isNaN(delayMs)) return oops();
  // Names that the job does not define are dropped without a word.
  const parameters = Object.fromEntries(
    Object.entries(job.parameters).map(([name, value]) => [name, query.get(name) ?? value]),
  );
  return created(`${baseUrl()}/queue/item/${queue.add(job, parameters, delayMs).id}/`);
}

/** `4sec`; NaN for what is no delay. */
function readDelay(delay: string | null): number | undefined {
  if (delay === null) return undefined;
  const seconds = /^(\d+)(sec)?$/.exec(delay)?.[1];
  return seconds === undefined ? Number.NaN : Number(seconds) * 1000;
}

function findBuild(job: JobRecord, number: string, { jobs }: JenkinsWorld): BuildRecord | undefined {
  return number === 'lastBuild' ? jobs.buildsOf(job.id)[0] : jobs.findBuild(job.id, Number(number));
}
