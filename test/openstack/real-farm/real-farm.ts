import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { DaemonWatch } from '../../../faults/daemon-watch.ts';
import type { Node } from '../../../src/node/node.ts';
import { CleanupStack } from '../../integration/cleanup-stack.ts';
import { NAMES, type Section, writeScript } from '../../integration/farm-config.ts';
import type { LoggedProcess } from '../../integration/logged-process.ts';
import { TestFarm } from '../../integration/test-farm.ts';
import { CloudDesk, type CloudInventory, NOTHING } from './cloud-desk.ts';
import { ServerMachines } from './server-machines.ts';
import { TenantNetwork } from './tenant-network.ts';

/** The provider that is the real cloud. The other one is devfarm's, and always well. */
export const REAL = 'real';
/** A label of the other provider. */
export const OTHER = 'other';

/** For what a crowd of servers takes on a small machine. */
export const CROWD_MS = 420_000;

/** Guests are emulated, and a crowd of servers shares a small machine. */
const PATIENT = { 'boot-timeout': 180, 'launch-timeout': 240 };

/** Build servers after the first have a machine on which it ran already. */
const SETUP = `#!/bin/bash
set -eu
id jenkins >/dev/null 2>&1 || useradd --create-home --shell /bin/bash jenkins
install -d -m 700 -o jenkins -g jenkins /home/jenkins/.ssh
echo "$NODEPOOL_SSH_KEY" >/home/jenkins/.ssh/authorized_keys
chown jenkins: /home/jenkins/.ssh/authorized_keys
`;

/** What a test changes in the configuration. */
export type RealFarmChanges = {
  /** Of label `unit`, which the real cloud serves. */
  readonly label?: Section;
  readonly provider?: Section;
  /** Whether label `other` is there, and one node of it kept ready. */
  readonly hasOther?: boolean;
};

/**
 * A whole farm whose cloud is a real OpenStack: the built daemon, gearmand, Postgres, the Jenkins stand-in, and a second
 * provider that is devfarm's. Dispose of it.
 */
export class RealFarm implements AsyncDisposable {
  readonly farm: TestFarm;
  readonly desk: CloudDesk;
  readonly #cleanups: CleanupStack;
  readonly #servers: Servers | undefined;
  #changes: RealFarmChanges = {};
  #daemon: LoggedProcess | undefined;
  #watch: DaemonWatch | undefined;

  private constructor(parts: Pick<RealFarm, 'farm' | 'desk'>, servers: Servers | undefined, cleanups: CleanupStack) {
    this.farm = parts.farm;
    this.desk = parts.desk;
    this.#servers = servers;
    this.#cleanups = cleanups;
  }

  /** @param kind whether the cloud's hypervisor is a fake one, or has guests that one can log in to */
  static async start(kind: 'fake' | 'guests' = 'fake'): Promise<RealFarm> {
    const cleanups = new CleanupStack();
    const keep = <T extends AsyncDisposable>(thing: T): T => {
      cleanups.add(async () => {
        await thing[Symbol.asyncDispose]();
      });
      return thing;
    };
    try {
      const desk = keep(await CloudDesk.open());
      const machines = kind === 'fake' ? keep(await ServerMachines.start()) : undefined;
      const network = machines && keep(await TenantNetwork.open((address) => machines.at(address)));
      const farm = keep(await TestFarm.start());
      const real = new RealFarm({ farm, desk }, machines && network && { machines, network }, cleanups);
      real.#writeClouds();
      if (kind === 'fake') writeScript(farm.folder, 'setup.sh', SETUP);
      return real;
    } catch (error) {
      await cleanups.run();
      throw error;
    }
  }

  get daemon(): LoggedProcess {
    if (this.#daemon === undefined) throw new Error('No daemon was started');
    return this.#daemon;
  }

  /** The machines of a fake hypervisor's servers. */
  get machines(): ServerMachines {
    if (this.#servers === undefined) throw new Error('Guests are machines themselves');
    return this.#servers.machines;
  }

  /** Lets the jobs end that run on these nodes. */
  async finishJobs(nodes: readonly Node[]): Promise<void> {
    await Promise.all(nodes.map(({ ip = '' }) => this.machines.run(ip, 'touch /tmp/finish')));
  }

  /** Starts the daemon, and a watch over it. */
  async startDaemon(changes: RealFarmChanges): Promise<LoggedProcess> {
    this.#configure(changes);
    const { farm } = this;
    this.#daemon = await farm.startDaemon({ within: ['env', `TMPDIR=${farm.folder}`] }); // for the watch's profiles
    const watch = new DaemonWatch(this.#daemon, () => 0);
    this.#watch = watch;
    this.#cleanups.add(() => watch[Symbol.asyncDispose]());
    return this.#daemon;
  }

  /** Changes the configuration under the running daemon. */
  async reconfigure(changes: RealFarmChanges): Promise<void> {
    const since = this.daemon.mark();
    this.#configure(changes);
    this.daemon.signal('SIGHUP');
    await this.daemon.logged(/Configuration .* was read again/, since);
  }

  /** Seconds of the longest pass of any loop so far. */
  longestPassS(): number {
    return Math.max(0, ...(this.#watch?.passes().values() ?? []));
  }

  /** The nodes of label `unit` in that state, once they are so many and all known to Jenkins. */
  async untilReady(count: number): Promise<readonly Node[]> {
    return await this.farm.until(
      `${count} nodes to be ready and online in Jenkins`,
      async () => {
        const online = new Set(await this.farm.jenkins.onlineAgents());
        const all = (await this.farm.database.nodes.list()).filter(({ label }) => label === NAMES.label);
        const ready = all.filter(({ state, nodename = '' }) => state === 'ready' && online.has(nodename));
        return ready.length === count && all.length === count ? ready : undefined;
      },
      CROWD_MS,
    );
  }

  /** A node of the other provider that is ready, and is not `last`. */
  async untilOther(last?: Node): Promise<Node> {
    return await this.farm.until(
      'a node of the other provider to be ready',
      async () => {
        const ready = await this.farm.database.nodes.list({ states: ['ready'], provider: NAMES.provider });
        return ready.find(({ id }) => id !== last?.id);
      },
      CROWD_MS,
    );
  }

  /** Has the cloud hold what the tables say, and nothing else. */
  async untilTidy(): Promise<CloudInventory> {
    let wrong = '';
    const look = async (): Promise<CloudInventory | undefined> => {
      const cloud = await this.desk.inventory();
      const nodes = await this.farm.database.nodes.list({ provider: REAL });
      const floating = nodes.filter(({ ip, privateIp }) => ip !== undefined && ip !== privateIp);
      wrong = differences(cloud, {
        servers: nodes.map(({ hostname = '' }) => hostname).sort(),
        ports: nodes.length,
        floatingIps: floating.map(({ ip = '' }) => ip).sort(),
      });
      return wrong === '' ? cloud : undefined;
    };
    return await this.farm.until('the cloud to hold what the tables say', look).catch((error: unknown) => {
      throw new Error(`Not as in the tables: ${wrong}`, { cause: error });
    });
  }

  /** Removes it all as an operator does who gives the cloud up. */
  async removeAll(): Promise<void> {
    const provider = { ...this.#changes.provider, 'max-servers': 0 };
    await this.reconfigure({ ...this.#changes, label: { 'min-ready': -1 }, provider });
    const { nodes, images } = this.farm.database;
    for (const { id } of await nodes.list({ provider: REAL })) await this.#command('delete', String(id));
    const areGone = async (): Promise<true | undefined> =>
      (await nodes.list({ provider: REAL })).length === 0 ? true : undefined;
    await this.farm.until('all nodes to be gone', areGone, CROWD_MS);
    for (const { id } of await images.list({ provider: REAL })) await this.#command('image-delete', String(id));
    let left = '';
    const isEmpty = async (): Promise<true | undefined> => {
      left = JSON.stringify(await this.desk.inventory());
      return left === JSON.stringify(NOTHING) ? true : undefined;
    };
    await this.farm.until('nothing to be left in the cloud', isEmpty).catch((error: unknown) => {
      throw new Error(`Left in the cloud: ${left}`, { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanups.run();
  }

  async #command(...words: readonly string[]): Promise<void> {
    const { exitCode, stderr } = await this.farm.nodepool(...words);
    if (exitCode !== 0) throw new Error(`nodepool ${words.join(' ')}: ${stderr}`);
  }

  #configure(changes: RealFarmChanges): void {
    this.#changes = changes;
    const { label, provider, hasOther = false } = changes;
    const image = { name: NAMES.image, 'base-image': 'base-test', 'min-ram': 512, setup: 'setup.sh' };
    const login = { username: 'jenkins', 'private-key': join(this.farm.folder, 'key') };
    const port = this.#servers?.network.port;
    const real = {
      ...{ name: REAL, cloud: 'inner', 'max-servers': 20, rate: 0.05, networks: [{ name: 'private' }] },
      ...{ ...PATIENT, ...(port !== undefined && { 'ssh-port': port }) },
      images: [{ ...image, ...login }],
      ...provider,
    };
    const other = { name: OTHER, image: NAMES.image, 'min-ready': 1, providers: [{ name: NAMES.provider }] };
    this.farm.configure({
      top: { cron: { cleanup: '* * * * * */10' } },
      label: { providers: [{ name: REAL }], ...label },
      provider: PATIENT,
      ...(hasOther && { moreLabels: [other] }),
      moreProviders: [real],
    });
  }

  /** `inner`: servers are reached at their fixed address; `outer`: they are given a floating one. */
  #writeClouds(): void {
    const { origins, userName: username, password, projectName } = this.desk.real;
    const domains = { user_domain_name: 'Default', project_domain_name: 'Default' };
    const auth = { auth_url: `${origins.identity}/v3`, username, password, project_name: projectName, ...domains };
    const outer = { auth, region_name: 'RegionOne', identity_api_version: '3' };
    const text = stringify({ clouds: { inner: { ...outer, private: true }, outer } }, { aliasDuplicateObjects: false });
    writeFileSync(join(this.farm.folder, 'clouds.yaml'), text, { mode: 0o600 });
  }
}

type Servers = { readonly machines: ServerMachines; readonly network: TenantNetwork };

type Expected = {
  readonly servers: readonly string[];
  readonly ports: number;
  readonly floatingIps: readonly string[];
};

/** What the cloud has otherwise than expected; empty if nothing. Images are looked at when all is removed. */
function differences(cloud: CloudInventory, expected: Expected): string {
  const seen = { servers: cloud.servers, ports: cloud.ports.length, floatingIps: cloud.floatingIps };
  const [real, wanted] = [JSON.stringify(seen), JSON.stringify(expected)];
  if (cloud.keypairs.length > 0) return `keypairs ${cloud.keypairs.join(', ')}`;
  return real === wanted ? '' : `${real} instead of ${wanted}`;
}
