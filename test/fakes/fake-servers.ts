import type { Port, ReachableAddresses, Server, ServerAddress, ServerSpec } from '../../src/provider/cloud-provider.ts';

/** How the servers of a FakeCloud behave. A "poll" is one look at a server: a list, or a find of that server. */
export type FakeServerLife = {
  /** Polls that still show BUILD; the next one shows ACTIVE. Default 1; Infinity: it never boots. */
  bootTakesPolls: number;
  /** Polls that still show a deleted server; the next one does not. Default 0: gone at once. */
  deleteTakesPolls: number;
  /** Addresses of the `count`-th server once it is ACTIVE. Default: one fixed IPv4, `10.0.0.COUNT`. */
  addresses: (count: number) => readonly ServerAddress[];
};

/** One server inside a FakeCloud. */
type FakeServer = {
  readonly server: Server;
  readonly addresses: readonly ServerAddress[];
  /** Polls until the next step of its life. */
  pollsLeft: number;
  /** What it becomes when `pollsLeft` is used up. */
  next: 'active' | 'error' | 'gone' | 'stays';
  fault?: string;
  taskState?: string;
  status: string;
};

/** The servers of a FakeCloud: they boot, fail and go as they are looked at. */
export class FakeServers {
  readonly life: FakeServerLife;
  /** The fault that the next created servers will have, in turn. */
  readonly nextFaults: string[] = [];
  readonly #servers = new Map<string, FakeServer>();
  #count = 0;

  constructor(life: Partial<FakeServerLife>) {
    this.life = {
      bootTakesPolls: 1,
      deleteTakesPolls: 0,
      addresses: (count) => [{ network: 'private', ip: `10.0.0.${count}`, version: 4, kind: 'fixed' }],
      ...life,
    };
  }

  get size(): number {
    return this.#servers.size;
  }

  has(id: string): boolean {
    return this.#servers.has(id);
  }

  create(spec: ServerSpec, createdAt: Date): string {
    this.#count += 1;
    const id = `server-${this.#count}`;
    const fault = this.nextFaults.shift();
    this.#servers.set(id, {
      server: describe(id, spec, createdAt),
      addresses: this.life.addresses(this.#count),
      pollsLeft: this.life.bootTakesPolls,
      next: fault === undefined ? 'active' : 'error',
      ...(fault !== undefined && { fault }),
      taskState: 'scheduling',
      status: 'BUILD',
    });
    return id;
  }

  /** Puts a server there that this fake did not create: ACTIVE unless told otherwise. */
  add(server: Server): void {
    const { addresses, status } = server;
    this.#servers.set(server.id, { server, addresses, pollsLeft: 0, next: 'stays', status });
  }

  delete(id: string): void {
    const fake = this.#servers.get(id);
    if (fake === undefined || fake.next === 'gone') return;
    if (this.life.deleteTakesPolls === 0) this.#servers.delete(id);
    Object.assign(fake, { next: 'gone', pollsLeft: this.life.deleteTakesPolls, taskState: 'deleting' });
  }

  /** Takes a server away as if the cloud lost it. */
  remove(id: string): void {
    this.#servers.delete(id);
  }

  setTaskState(id: string, taskState: string | undefined): void {
    const fake = this.#servers.get(id);
    if (fake === undefined || fake.next === 'gone') return;
    if (taskState === undefined) delete fake.taskState;
    else fake.taskState = taskState;
  }

  taskStateOf(id: string): string | undefined {
    return this.#servers.get(id)?.taskState;
  }

  setMetadata(id: string, metadata: Readonly<Record<string, string>>): void {
    const fake = this.#servers.get(id);
    if (fake !== undefined) this.#servers.set(id, { ...fake, server: { ...fake.server, metadata } });
  }

  /** One poll of one server. */
  poll(id: string): Server | undefined {
    const fake = this.#servers.get(id);
    if (fake === undefined) return undefined;
    if (fake.pollsLeft > 0) fake.pollsLeft -= 1;
    else this.#step(id, fake);
    return this.#servers.has(id) ? view(fake) : undefined;
  }

  /** One poll of all of them, newest first. */
  pollAll(): readonly Server[] {
    return [...this.#servers.keys()]
      .reverse()
      .map((id) => this.poll(id))
      .filter((server) => server !== undefined);
  }

  /** What is there, without moving anything on: for assertions. */
  peekAll(): readonly Server[] {
    return [...this.#servers.values()].map(view);
  }

  #step(id: string, fake: FakeServer): void {
    if (fake.next === 'gone') this.#servers.delete(id);
    if (fake.next === 'active' || fake.next === 'error') {
      fake.status = fake.next === 'active' ? 'ACTIVE' : 'ERROR';
      delete fake.taskState;
      fake.next = 'stays';
    }
  }
}

function view(fake: FakeServer): Server {
  return {
    ...fake.server,
    status: fake.status,
    addresses: fake.status === 'ACTIVE' ? fake.addresses : [],
    ...(fake.taskState !== undefined && { taskState: fake.taskState }),
    ...(fake.status === 'ERROR' && fake.fault !== undefined && { fault: fake.fault }),
    ...(fake.status === 'ERROR' && fake.fault?.startsWith('Quota exceeded') === true && { isOverQuota: true }),
  };
}

function describe(id: string, spec: ServerSpec, createdAt: Date): Server {
  return {
    id,
    name: spec.name,
    status: 'BUILD',
    addresses: [],
    metadata: spec.metadata,
    ...(spec.az !== undefined && { az: spec.az }),
    ...(spec.keyName !== undefined && { keyName: spec.keyName }),
    createdAt,
  };
}

/** By the kinds of its addresses; a floating one goes before a fixed one. */
export function reachableAddressesOf(server: Server): ReachableAddresses {
  const v4 = server.addresses.filter((address) => address.version === 4);
  const fixed = v4.find((address) => address.kind === 'fixed')?.ip;
  const reachable = v4.find((address) => address.kind === 'floating')?.ip ?? fixed;
  const v6 = server.addresses.find((address) => address.version === 6)?.ip;
  return {
    ...(reachable !== undefined && { public: reachable, private: fixed ?? reachable }),
    ...(v6 !== undefined && { publicIpv6: v6 }),
  };
}

/** An ACTIVE server for `FakeCloudOptions.servers`. */
export function aServer(id: string, facts: Partial<Server> = {}): Server {
  return { id, name: id, status: 'ACTIVE', addresses: [], metadata: {}, createdAt: new Date(0), ...facts };
}

/** A port that Nova made for that server. */
export function aPort(serverId: string, facts: Partial<Port> = {}): Port {
  const port = { id: `port-of-${serverId}`, name: '', status: 'DOWN', deviceOwner: 'compute:nova' };
  return { ...port, deviceId: serverId, ...facts };
}
