import { agentConfigDocument, parseAgentConfigDocument } from './agent-config-document.ts';
import { apiJson } from './api-json.ts';
import type { Computer } from './computer.ts';
import { viewComputer, viewComputerSet } from './computer-view.ts';
import { AgentCreation } from './create-agent.ts';
import {
  type Answer,
  type Call,
  notFound,
  oops,
  plainText,
  redirect,
  renderedPage,
  type Route,
} from './http-answer.ts';
import type { JenkinsWorld } from './jenkins-world.ts';

/** Jenkins' computers: `/computer/…`. */
export function computerRoutes(world: JenkinsWorld): readonly Route[] {
  const creation = new AgentCreation(world);
  return [
    { method: 'GET', path: 'computer/api/json', handle: (call) => apiJson(call, viewComputerSet(world)) },
    {
      method: 'POST',
      path: 'computer/doCreateItem',
      handle: (call) => creation.create(call),
      // Not 405: the call of old, which upstream made by GET, is simply not there any more.
      otherMethod: notFound({ target: '/computer/doCreateItem' }),
    },
    ...[...readRoutes(world), ...configurationRoutes(world), ...switchRoutes(world), ...connectionRoutes(world)].map(
      ({ method, path, handle }): Route => ({
        method,
        path: `computer/:name/${path}`,
        handle: (call) => {
          const computer = world.computers.findByPath(call.parameters['name'] ?? '');
          return computer === undefined ? notFound(call) : handle(computer, call);
        },
      }),
    ),
  ];
}

type ComputerRoute = {
  readonly method: Route['method'];
  readonly path: string;
  readonly handle: (computer: Computer, call: Call) => Answer;
};

function readRoutes(world: JenkinsWorld): readonly ComputerRoute[] {
  return [
    { method: 'GET', path: 'api/json', handle: (computer, call) => apiJson(call, viewComputer(computer, world)) },
    {
      method: 'GET',
      path: 'logText/progressiveText',
      handle: ({ record, isConnected }) =>
        plainText(
          `[SSH] Opening SSH connection to ${record.host}:${record.port}.\n` +
            (isConnected ? 'Agent successfully connected and online\n' : ''),
        ),
    },
  ];
}

function configurationRoutes(world: JenkinsWorld): readonly ComputerRoute[] {
  return [
    {
      method: 'GET',
      path: 'config.xml',
      handle: (computer, call) => {
        if (computer.isBuiltIn) return notFound(call);
        const body = agentConfigDocument(computer.record, world.options.user);
        return { status: 200, headers: { 'Content-Type': 'application/xml' }, body };
      },
    },
    {
      method: 'POST',
      path: 'config.xml',
      handle: (computer, call) => {
        const changes = parseAgentConfigDocument(call.body);
        if (changes === undefined) return oops();
        world.computers.configure(computer, changes);
        return { status: 200 };
      },
    },
    {
      method: 'POST',
      path: 'doDelete',
      handle: (computer, call) => {
        if (computer.isBuiltIn) return notFound(call);
        world.computers.remove(computer);
        return redirect(`${world.baseUrl()}/computer/`);
      },
    },
  ];
}

function switchRoutes(world: JenkinsWorld): readonly ComputerRoute[] {
  const flagOf = (call: Call): NonNullable<Computer['switchedOff']> => ({
    by: 'UserCause',
    message: call.query.get('offlineMessage') ?? '',
    atMs: world.clock.now().getTime(),
  });
  return [
    {
      method: 'POST',
      path: 'changeOfflineCause',
      handle: (computer, call) => {
        world.computers.switch(computer, flagOf(call));
        return redirect(urlOf(computer, world));
      },
    },
    {
      method: 'POST',
      path: 'toggleOffline',
      handle: (computer, call) => {
        world.computers.switch(computer, computer.switchedOff === undefined ? flagOf(call) : undefined);
        return redirect(urlOf(computer, world));
      },
    },
  ];
}

function connectionRoutes(world: JenkinsWorld): readonly ComputerRoute[] {
  return [
    {
      method: 'POST',
      path: 'launchSlaveAgent',
      handle: (computer, call) => {
        if (computer.isBuiltIn) return notFound(call);
        if (computer.isConnected) {
          return renderedPage(200, {
            title: `${computer.name} [Jenkins]`,
            text: 'The agent has been already launched.',
          });
        }
        computer.launchNow.wake();
        return redirect(`${urlOf(computer, world)}log`);
      },
    },
    {
      method: 'POST',
      path: 'doDisconnect',
      handle: (computer, call) => {
        computer.disconnect(call.query.get('offlineMessage') ?? '');
        world.bell.ring();
        return redirect(urlOf(computer, world));
      },
    },
  ];
}

function urlOf(computer: Computer, { baseUrl }: JenkinsWorld): string {
  return `${baseUrl()}/computer/${encodeURIComponent(computer.isBuiltIn ? '(master)' : computer.name)}/`;
}
