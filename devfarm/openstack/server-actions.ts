import { ApiFailure } from './api-call.ts';
import type { Answer, Call, Route } from './api-call.ts';
import { checkMetadataCount } from './admit-server.ts';
import type { FloatingIpRecord, ServerRecord } from './cloud-records.ts';
import type { Cloud } from './cloud.ts';
import { readComputeBody } from './compute-body.ts';
import { bindFloatingIp, refreshShownFloating } from './floating-book.ts';
import { vanishLater } from './image-book.ts';
import { isJsonObject, pythonRepr, textAt } from './json-value.ts';
import type { JsonObject } from './json-value.ts';
import { changePower, findPowerChange } from './power-server.ts';
import { readMetadata, refused } from './server-request.ts';
import { getServer } from './server-routes.ts';
import type { ServerDeps } from './server-routes.ts';
import { makeSnapshotImage, snapshotServer } from './snapshot-server.ts';

type Action = (call: Call, given: JsonObject, deps: ServerDeps) => Answer | Promise<Answer>;

const ACTIONS: Readonly<Record<string, Action>> = {
  createImage,
  reboot: (call, given, deps) =>
    switchPower(call, { action: 'reboot', given, from: ['active', 'stopped', 'error'] }, deps),
  'os-stop': (call, given, deps) => switchPower(call, { action: 'os-stop', given, from: ['active', 'error'] }, deps),
  'os-start': (call, given, deps) => switchPower(call, { action: 'os-start', given, from: ['stopped'] }, deps),
  'os-getConsoleOutput': showConsole,
  addFloatingIp: (call, given, deps) => moveFloatingIp(call, { given, isAdded: true }, deps),
  removeFloatingIp: (call, given, deps) => moveFloatingIp(call, { given, isAdded: false }, deps),
};

/** `POST /servers/{id}/action`. */
export function listServerActionRoutes(deps: ServerDeps): Route[] {
  const handle = async (call: Call): Promise<Answer> => {
    const body = readComputeBody(call);
    const [name, ...others] = isJsonObject(body) ? Object.keys(body) : [];
    if (name === undefined || others.length > 0 || !isJsonObject(body))
      throw new ApiFailure(400, 'Malformed request body');
    const action = ACTIONS[name];
    if (action === undefined) throw new ApiFailure(400, `There is no such action: ${name}`);
    const given = body[name];
    return await action(call, isJsonObject(given) ? given : {}, deps);
  };
  return [{ method: 'POST', path: '/v2.1/servers/:id/action', handle }];
}

function createImage(call: Call, given: JsonObject, { cloud, tasks }: ServerDeps): Answer {
  const name = textAt(given, 'name');
  if (name === undefined) throw refused('createImage', given, "'name' is a required property");
  if (name === '') throw refused('name', name, "'' is too short");
  const metadata = readMetadata(given['metadata'] ?? {});
  const server = getServer(call, cloud);
  checkState(server, { word: 'createImage', from: ['active', 'stopped'] });
  checkMetadataCount(metadata, call, cloud);
  const image = makeSnapshotImage({ server, name, metadata, caller: call.caller }, cloud);
  begin(server, 'createImage', { call, cloud, taskState: 'image_snapshot_pending' });
  const subject = { serverId: server.id, imageId: image.id };
  const { effect } = call;
  tasks.begin(server.id, 'snapshot', (signal) => snapshotServer(subject, { cloud, effect }, signal));
  if (effect.imageVanishesAfterMs !== undefined) vanishLater(image.id, effect.imageVanishesAfterMs, cloud);
  return call.minor >= 45
    ? { status: 202, body: { image_id: image.id } }
    : { status: 202, headers: { ...htmlType, location: `${cloud.origins.image}/images/${image.id}` } };
}

/** What Nova says of an answer without a body. */
const htmlType = { 'content-type': 'text/html; charset=UTF-8' };

type PowerOrder = {
  readonly action: string;
  readonly given: JsonObject;
  readonly from: readonly ServerRecord['vmState'][];
};

function switchPower(call: Call, { action, given, from }: PowerOrder, { cloud, tasks }: ServerDeps): Answer {
  const type = textAt(given, 'type');
  if (action === 'reboot' && type !== 'HARD' && type !== 'SOFT') {
    throw refused(
      'reboot',
      given,
      type === undefined ? "'type' is a required property" : `${pythonRepr(type)} is not one of ['HARD', 'SOFT']`,
    );
  }
  const server = getServer(call, cloud);
  const word = action.replace(/^os-/, '');
  checkState(server, { word, from });
  const change = findPowerChange(action, type === undefined ? {} : { type }, cloud);
  if (change === undefined) throw new ApiFailure(400, `There is no such action: ${action}`);
  begin(server, word, { call, cloud, taskState: change.taskState });
  tasks.begin(server.id, word, (signal) => changePower(server, { cloud, change }, signal));
  return { status: 202, headers: { 'content-type': 'application/json' } };
}

async function showConsole(call: Call, given: JsonObject, { cloud }: ServerDeps): Promise<Answer> {
  const server = getServer(call, cloud);
  if (server.host === '') throw new ApiFailure(409, `Instance ${server.id} is not ready`);
  const text = await cloud.deps.backend.console(server.id);
  const length = Number(given['length'] ?? Infinity);
  const lines = text.split('\n');
  // The last line ends with a newline, so the split has an empty piece at its end.
  const output = length >= 0 && lines.length - 1 > length ? lines.slice(-length - 1).join('\n') : text;
  return { status: 200, body: { output } };
}

type FloatingMove = { readonly given: JsonObject; readonly isAdded: boolean };

async function moveFloatingIp(call: Call, { given, isAdded }: FloatingMove, { cloud }: ServerDeps): Promise<Answer> {
  if (call.minor >= 44) throw new ApiFailure(404, 'The resource could not be found.');
  const server = getServer(call, cloud);
  const floating = findFloatingIp(textAt(given, 'address'), call, cloud);
  const [portId] = server.portIds;
  if (isAdded && portId === undefined) throw new ApiFailure(400, 'No nw_info cache associated with instance');
  if (!isAdded && (floating.portId === null || !server.portIds.includes(floating.portId))) {
    throw new ApiFailure(409, `Floating IP ${floating.address} is not associated with instance ${server.id}.`);
  }
  await bindFloatingIp(floating, isAdded ? (portId ?? null) : null, cloud).catch((error: unknown) => {
    // Neutron's refusal is Nova's bad request.
    throw error instanceof ApiFailure ? new ApiFailure(400, error.message) : error;
  });
  refreshShownFloating(server.id, cloud);
  return { status: 202, headers: htmlType };
}

function findFloatingIp(address: string | undefined, call: Call, cloud: Cloud): FloatingIpRecord {
  const own = cloud.floatingIps.where((each) => each.projectId === call.caller.projectId && each.address === address);
  if (own[0] === undefined) throw new ApiFailure(404, 'floating IP not found');
  return own[0];
}

type Requirement = { readonly word: string; readonly from: readonly ServerRecord['vmState'][] };

/** @throws {ApiFailure} 409: the server is in another state, or busy */
function checkState(server: ServerRecord, { word, from }: Requirement): void {
  const cannot = `Cannot '${word}' instance ${server.id} while it is in`;
  if (!from.includes(server.vmState)) throw new ApiFailure(409, `${cannot} vm_state ${server.vmState}`);
  if (server.taskState !== null) throw new ApiFailure(409, `${cannot} task_state ${server.taskState}`);
}

type Beginning = { readonly call: Call; readonly cloud: Cloud; readonly taskState: string };

function begin(server: ServerRecord, action: string, { call, cloud, taskState }: Beginning): void {
  const entry = { action, requestId: call.requestId, startedAt: cloud.nowMs, message: null };
  cloud.servers.change(server.id, { taskState, updatedAt: cloud.nowMs, actions: [...server.actions, entry] });
}
