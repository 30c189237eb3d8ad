import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { OFFLINE_BY_GEARMAN } from '../../src/node/agents.ts';

export type ChurnAgent = { readonly name: string; readonly labels: readonly string[]; readonly host: string } & {
  busy: boolean;
  offline: boolean;
  reason: string;
};

/**
 * A Jenkins that does what the daemon asks of it, and keeps all in memory: a thousand agents must cost it next to
 * nothing, for it is not what is measured. Agents are connected at once; what runs on them is the caller's affair.
 */
export class ChurnJenkins {
  readonly url: string;
  readonly #agents: Map<string, ChurnAgent>;

  private constructor(url: string, agents: Map<string, ChurnAgent>) {
    this.url = url;
    this.#agents = agents;
  }

  /** @param onAgent told of each new agent */
  static async start(onAgent: (agent: ChurnAgent, jenkins: ChurnJenkins) => void): Promise<ChurnJenkins> {
    const agents = new Map<string, ChurnAgent>();
    const server = createServer((request, response) => {
      serve(request, response, {
        agents,
        onAgent: (agent) => {
          onAgent(agent, jenkins);
        },
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const jenkins = new ChurnJenkins(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, agents); // TCP: never a string
    return jenkins;
  }

  /** Ends the agent's job as the gearman plugin does. */
  endJob(name: string): void {
    const agent = this.#agents.get(name);
    if (agent !== undefined) Object.assign(agent, { busy: false, offline: true, reason: OFFLINE_BY_GEARMAN });
  }
}

type World = { readonly agents: Map<string, ChurnAgent>; readonly onAgent: (agent: ChurnAgent) => void };

function serve(request: IncomingMessage, response: ServerResponse, world: World): void {
  request.resume();
  const url = new URL(request.url ?? '/', 'http://jenkins');
  if (url.pathname === '/computer/doCreateItem') create(url, response, world);
  else if (url.pathname === '/computer/api/json') {
    sendJson(response, { computer: [...world.agents.values()].map(viewOf) });
  } else if (url.pathname.startsWith('/computer/')) serveAgent(url, response, world);
  else sendJson(response, { quietingDown: false });
}

function create(url: URL, response: ServerResponse, { agents, onAgent }: World): void {
  const name = url.searchParams.get('name') ?? '';
  const form = JSON.parse(url.searchParams.get('json') ?? '{}') as {
    labelString?: string;
    launcher?: { host?: string };
  };
  if (agents.has(name)) {
    response.writeHead(400, { 'x-error': `Agent called '${name}' already exists` }).end();
    return;
  }
  const agent: ChurnAgent = {
    ...{ name, labels: [...(form.labelString ?? '').split(' '), name], host: form.launcher?.host ?? '' },
    ...{ busy: false, offline: false, reason: '' },
  };
  agents.set(name, agent);
  redirect(response);
  onAgent(agent);
}

function serveAgent(url: URL, response: ServerResponse, { agents }: World): void {
  const [, , name = '', call = ''] = url.pathname.split('/').map(decodeURIComponent);
  const agent = agents.get(name);
  if (agent === undefined) {
    response.writeHead(404).end();
  } else if (call === 'doDelete') {
    agents.delete(name);
    redirect(response);
  } else if (call === 'changeOfflineCause') {
    Object.assign(agent, { offline: true, reason: url.searchParams.get('offlineMessage') ?? '' });
    redirect(response);
  } else if (call === 'config.xml') {
    response.writeHead(200, { 'content-type': 'application/xml' }).end(xmlOf(agent));
  } else sendJson(response, viewOf(agent));
}

/** The fields that the daemon asks for. */
function viewOf({ name, labels, busy, offline, reason }: ChurnAgent) {
  return {
    _class: 'hudson.slaves.SlaveComputer',
    assignedLabels: labels.map((label) => ({ name: label })),
    displayName: name,
    executors: [{ currentExecutable: busy ? { url: 'http://127.0.0.1/job/gate/1/', number: 1 } : null, idle: !busy }],
    ...{ idle: !busy, offline, offlineCause: null, offlineCauseReason: reason, temporarilyOffline: offline },
  };
}

function xmlOf({ labels, host }: ChurnAgent): string {
  return `<slave><label>${labels[0] ?? ''}</label><launcher><host>${host}</host><credentialsId>key</credentialsId></launcher></slave>`;
}

function redirect(response: ServerResponse): void {
  response.writeHead(302, { location: '/computer/' }).end();
}

function sendJson(response: ServerResponse, json: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(json));
}
