import type { Node } from '../../../src/node/node.ts';
import type { Server } from '../../../src/provider/cloud-provider.ts';
import { ownerMetadata } from '../../../src/provider/owner-metadata.ts';
import type { LeakPassDeps } from '../../../src/pool/leaks/leak-pass.ts';
import { runLeakPass } from '../../../src/pool/leaks/leak-pass.ts';
import { Sightings } from '../../../src/pool/reconcile-pass.ts';
import { aServer } from '../../fakes/fake-cloud.ts';
import { MemoryIdStore } from '../../fakes/memory-id-store.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';
import { INSTALLATION, PoolBench, type PoolBenchOptions } from '../pool-bench.ts';

/** A server that was made for a node of this installation. */
export function aNodeServer(id: string, nodeId: number, facts: Partial<Server> & Marks = {}): Server {
  const { installation = INSTALLATION, provider = 'fake-provider', attempt = 'attempt-1', ...rest } = facts;
  const owner = { kind: 'node', provider, image: 'trusty', nodeId, label: 'trusty', attempt, installation } as const;
  return aServer(id, { name: `trusty-fake-provider-${nodeId}.example.org`, metadata: ownerMetadata(owner), ...rest });
}

/** A server that was made to build an image of this installation. */
export function aBuildServer(id: string, imageId: number, facts: Partial<Server> = {}): Server {
  const owner = { kind: 'build', provider: 'fake-provider', image: 'trusty', imageId } as const;
  const metadata = ownerMetadata({ ...owner, attempt: 'attempt-1', installation: INSTALLATION });
  return aServer(id, { name: `template-trusty-${imageId}`, metadata, ...facts });
}

type Marks = { readonly installation?: string; readonly provider?: string; readonly attempt?: string };

/** A farm of rows, servers and agents, and the leak passes of one daemon over it. */
export class LeakBench extends PoolBench {
  /** Keypairs of the configuration. */
  readonly operatorKeypairs = new Set<string>();
  readonly ids = new MemoryIdStore({ node: 5000, image: 100 });
  /** Of the database. */
  installationId = INSTALLATION;
  readonly #sightings = new Sightings();

  constructor(options: Omit<PoolBenchOptions, 'cloud'> & { readonly servers?: readonly Server[] } = {}) {
    const { servers = [], nodes = [], ...rest } = options;
    super({ ...rest, nodes, cloud: { servers } });
  }

  async pass(): Promise<void> {
    await runLeakPass(this.leakDeps, neverAborted);
  }

  /** What is seen twice, a minute apart, counts. */
  async passTwice(): Promise<void> {
    await this.pass();
    await this.clock.advance(60_000);
    await this.pass();
  }

  /** All that was logged, a message a line. */
  get said(): string {
    return this.log.entries.map(({ message }) => message).join('\n');
  }

  get serverIds(): readonly string[] {
    return this.cloud.servers.peekAll().map(({ id }) => id);
  }

  get leakDeps(): LeakPassDeps {
    const { nodes, images, clock, log, history, metrics, ids } = this;
    return {
      ...{ nodes, images, clock, log, history, metrics, ids },
      ...{ installationId: this.installationId, sightings: this.#sightings },
      farm: () => this.farm,
      operatorKeypairs: () => this.operatorKeypairs,
    };
  }
}

/** As many nodes with their servers. */
export function owned(count: number, of: (id: number) => Node): { readonly nodes: Node[]; readonly servers: Server[] } {
  const nodes = Array.from({ length: count }, (_, index) => of(1000 + index));
  return { nodes, servers: nodes.map(({ id, externalId = '' }) => aNodeServer(externalId, id)) };
}
