import { apiJson } from './api-json.ts';
import { redirect, type Route } from './http-answer.ts';
import type { JenkinsWorld } from './jenkins-world.ts';
import { referToJob } from './job-view.ts';

/** Jenkins itself: `/api/json`, `/quietDown`, `/cancelQuietDown`. */
export function managerRoutes(world: JenkinsWorld): readonly Route[] {
  const quiet =
    (isOn: boolean): Route['handle'] =>
    () => {
      world.quiet.isOn = isOn;
      world.bell.ring();
      return redirect(`${world.baseUrl()}/`);
    };
  return [
    {
      method: 'GET',
      path: 'api/json',
      handle: (call) => {
        const view = viewManager(world);
        return apiJson(call, { plain: view, full: view });
      },
    },
    { method: 'POST', path: 'quietDown', handle: quiet(true) },
    { method: 'POST', path: 'cancelQuietDown', handle: quiet(false) },
  ];
}

function viewManager(world: JenkinsWorld): unknown {
  const url = `${world.baseUrl()}/`;
  const all = { _class: 'hudson.model.AllView', name: 'all', url };
  return {
    _class: 'hudson.model.Hudson',
    assignedLabels: [{ name: 'master' }],
    mode: 'NORMAL',
    nodeDescription: 'the master Jenkins node',
    nodeName: '',
    numExecutors: 1,
    description: null,
    jobs: world.jobs.all().map((job) => referToJob(job, world)),
    overallLoad: {},
    primaryView: all,
    quietingDown: world.quiet.isOn,
    slaveAgentPort: -1,
    unlabeledLoad: { _class: 'jenkins.model.UnlabeledLoadStatistics' },
    url,
    useCrumbs: world.options.crumbIssuer,
    useSecurity: true,
    views: [all],
  };
}
