/** A Jenkins that lists thousands of agents, each with a running build, and takes them offline; it can do nothing else. Ready when it listens. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { optionsFromParent, serveParent } from './serve-parent.ts';

export type ManyAgentsOptions = { readonly agents: number };

const { agents } = optionsFromParent() as ManyAgentsOptions; // the parent is our own program
const computers = Array.from({ length: agents }, (_, index) => computerOf(`bench-${index + 1}`));
const byName = new Map(computers.map((computer) => [computer.displayName, computer]));

const server = createServer((request, response) => {
  const path = (request.url ?? '').split('?')[0] ?? '';
  if (path.endsWith('/changeOfflineCause')) switchOff(response, path.split('/')[2] ?? '');
  else if (path === '/computer/api/json') send(response, JSON.stringify({ computer: computers }));
  else if (path.startsWith('/computer/')) send(response, textOf(path.split('/')[2] ?? ''));
  else send(response, JSON.stringify({ _class: 'hudson.model.Hudson', mode: 'NORMAL', quietingDown: false }));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
serveParent(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {}); // TCP: never a string

/** The fields that the daemon asks for. */
function computerOf(displayName: string) {
  return {
    _class: 'hudson.slaves.SlaveComputer',
    assignedLabels: [{ name: displayName }, { name: 'label-1' }],
    displayName,
    executors: [{ currentExecutable: { url: 'http://127.0.0.1/job/gate-example-python/1/', number: 1 }, idle: false }],
    idle: false,
    offline: false,
    offlineCause: null,
    offlineCauseReason: '',
    temporarilyOffline: false,
  };
}

function switchOff(response: ServerResponse, name: string): void {
  const computer = byName.get(decodeURIComponent(name));
  if (computer !== undefined) Object.assign(computer, { offline: true, temporarilyOffline: true });
  response.writeHead(computer === undefined ? 404 : 302, { location: `/computer/${name}/` });
  response.end();
}

function textOf(name: string): string | undefined {
  const computer = byName.get(decodeURIComponent(name));
  return computer === undefined ? undefined : JSON.stringify(computer);
}

function send(response: ServerResponse, text: string | undefined): void {
  response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'application/json', 'x-jenkins': '2.452' });
  response.end(text);
}
