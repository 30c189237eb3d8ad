import { at, listAt } from './at.ts';
import { openSubject } from './open-subject.ts';
import type { OpenStackSubject, ServiceOrigins, SubjectOptions } from './openstack-subject.ts';
import { getToken, sendRaw } from './raw-http.ts';
import type { RawAnswer } from './raw-http.ts';

/** How often a state is looked for. A real cloud needs some 0.1 s for a look, so this is more than a minute there. */
const POLLS = 1000;
const POLL_MS = 20;

/** An id that nothing has. */
export const MISSING = '11111111-2222-3333-4444-555555555555';
/** As m1.small. */
export const FLAVOR = '2';

export type CallOptions = {
  readonly headers?: Readonly<Record<string, string>>;
  /** Text, bytes and chunks of bytes are sent as they are, all else as JSON. */
  readonly body?: unknown;
  /** Compute microversion. */
  readonly version?: string;
  /** Another token than the tenant's; null for none. */
  readonly token?: string | null;
};

type Ids = Readonly<Record<'project' | 'user' | 'privateNetwork' | 'publicNetwork' | 'baseImage', string>>;

/** A plain user at work in the cloud on which the contract is tried. */
export class Tenant {
  readonly subject: OpenStackSubject;
  readonly token: string;
  readonly ids: Ids;

  private constructor(subject: OpenStackSubject, token: string, ids: Ids) {
    this.subject = subject;
    this.token = token;
    this.ids = ids;
  }

  static async open(options: SubjectOptions = {}): Promise<Tenant> {
    return await Tenant.of(await openSubject(options));
  }

  static async of(subject: OpenStackSubject): Promise<Tenant> {
    const { identity, network, image } = subject.origins;
    const token = await getToken(identity, subject);
    const get = async (url: string): Promise<unknown> =>
      (await sendRaw({ method: 'GET', url, headers: { 'x-auth-token': token, 'x-subject-token': token } })).json;
    const [me, networks, images] = await Promise.all([
      get(`${identity}/v3/auth/tokens?nocatalog`),
      get(`${network}/v2.0/networks`),
      get(`${image}/v2/images?name=base-test`),
    ]);
    const idOf = (name: string): string =>
      String(
        at(
          listAt(networks, 'networks').find((each) => at(each, 'name') === name),
          'id',
        ),
      );
    return new Tenant(subject, token, {
      project: String(at(me, 'token', 'project', 'id')),
      user: String(at(me, 'token', 'user', 'id')),
      privateNetwork: idOf('private'),
      publicNetwork: idOf('public'),
      baseImage: String(at(images, 'images', '0', 'id')),
    });
  }

  /** `call('image', 'GET /v2/images')`. */
  async call(service: keyof ServiceOrigins, line: string, options: CallOptions = {}): Promise<RawAnswer> {
    const { headers, body, version, token = this.token } = options;
    const [method = 'GET', path = '/'] = line.split(' ');
    return await sendRaw({
      method,
      url: `${this.subject.origins[service]}${path}`,
      headers: {
        ...(token !== null && { 'x-auth-token': token }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(version !== undefined && { 'openstack-api-version': `compute ${version}` }),
        ...headers,
      },
      ...(body !== undefined && { body: isRaw(body) ? body : JSON.stringify(body) }),
    });
  }

  /** `nova('GET /servers')`: the path is below `/v2.1`. */
  async nova(line: string, options: CallOptions = {}): Promise<RawAnswer> {
    const [method, path] = line.split(' ');
    return await this.call('compute', `${method} /v2.1${path}`, options);
  }

  async neutron(line: string, options: CallOptions = {}): Promise<RawAnswer> {
    const [method, path] = line.split(' ');
    return await this.call('network', `${method} /v2.0${path}`, options);
  }

  async glance(line: string, options: CallOptions = {}): Promise<RawAnswer> {
    const [method, path] = line.split(' ');
    return await this.call('image', `${method} /v2${path}`, options);
  }

  /** The body of a create in which nothing is special but `facts`. */
  serverBody(name: string, facts: Readonly<Record<string, unknown>> = {}): { server: Record<string, unknown> } {
    const networks = [{ uuid: this.ids.privateNetwork }];
    return { server: { name, imageRef: this.ids.baseImage, flavorRef: FLAVOR, networks, ...facts } };
  }

  /** Starts a server; gives its id. */
  async createServer(name: string, facts: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const answer = await this.nova('POST /servers', { body: this.serverBody(name, facts) });
    if (answer.status !== 202) throw new Error(`Cannot create server "${name}": ${answer.status} ${answer.text}`);
    return String(at(answer.json, 'server', 'id'));
  }

  /** Makes a server and waits until it is ACTIVE. */
  async makeServer(name: string, facts: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const id = await this.createServer(name, facts);
    await this.awaitStatus(id, 'ACTIVE');
    return id;
  }

  /** The server as it is shown; undefined if there is none. */
  async findServer(id: string, version = '2.1'): Promise<Record<string, unknown> | undefined> {
    const answer = await this.nova(`GET /servers/${id}`, { version });
    return answer.status === 404 ? undefined : (at(answer.json, 'server') as Record<string, unknown>);
  }

  /** The server once it shows that status and is in no task. */
  async awaitStatus(id: string, status: string): Promise<Record<string, unknown>> {
    return await this.await(`server ${id} to be ${status}`, async () => {
      const server = await this.findServer(id);
      if (server?.['status'] === 'ERROR') throw new Error(`${id}: ${JSON.stringify(server)}`);
      return server?.['status'] === status && server['OS-EXT-STS:task_state'] === null ? server : undefined;
    });
  }

  /** Deletes a server and waits until it is gone. */
  async removeServer(id: string): Promise<void> {
    await this.nova(`DELETE /servers/${id}`);
    await this.until(`server ${id} to be gone`, async () => (await this.findServer(id)) === undefined);
  }

  /** The server once it is in ERROR and says why, which a real cloud shows a moment later. */
  async awaitFault(id: string): Promise<Record<string, unknown>> {
    return await this.await(`server ${id} to show a fault`, async () => {
      const server = await this.findServer(id);
      return server?.['status'] === 'ERROR' && 'fault' in server ? server : undefined;
    });
  }

  /** Looks again and again, while time passes, until there is a value. */
  async await<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    for (let poll = 0; poll < POLLS; poll += 1) {
      const found = await look();
      if (found !== undefined) return found;
      await this.subject.pass(POLL_MS);
    }
    throw new Error(`Waited in vain for ${what}`);
  }

  /** Lets time pass until something is so. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    await this.await(what, async () => ((await isSo()) ? true : undefined));
  }

  /** What was seen of a server, look by look, until `isLast`. The last is undefined if the server went. */
  async watch(
    id: string,
    isLast: (server: Record<string, unknown> | undefined) => boolean,
  ): Promise<(Record<string, unknown> | undefined)[]> {
    const seen: (Record<string, unknown> | undefined)[] = [];
    await this.until(`the end of what is watched on server ${id}`, async () => {
      const server = await this.findServer(id);
      seen.push(server);
      return isLast(server);
    });
    return seen;
  }
}

function isRaw(body: unknown): body is string | Buffer | AsyncIterable<Buffer> {
  return (
    typeof body === 'string' ||
    (typeof body === 'object' && body !== null && Symbol.asyncIterator in body) ||
    Buffer.isBuffer(body)
  );
}
