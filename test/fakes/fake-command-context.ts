import type { CommandClouds, CommandContext, CommandStores, ConfigComplaint } from '../../src/cli/command.ts';
import type { Config } from '../../src/config/config.ts';
import type { SnapshotImage } from '../../src/image/snapshot-image.ts';
import type { KnownDaemon } from '../../src/node/daemon-store.ts';
import type { Node } from '../../src/node/node.ts';
import { configOf } from '../builders/config-of.ts';
import { inspectProvider, type Inspection } from '../../src/pool/leaks/inspect-provider.ts';
import { reapLeaks, type ReapedLeak } from '../../src/pool/leaks/reap-leaks.ts';
import { FakeAgents } from './fake-agents.ts';
import { FakeClock } from './fake-clock.ts';
import type { FakeCloud } from './fake-cloud.ts';
import { MemoryDibImageStore } from './memory-dib-image-store.ts';
import { MemoryFreezeStore } from './memory-freeze-store.ts';
import { MemoryHistoryStore } from './memory-history-store.ts';
import { MemoryImageDataStore } from './memory-image-data-store.ts';
import { MemoryImagePauseStore } from './memory-image-pause-store.ts';
import { MemoryImageStore } from './memory-image-store.ts';
import { MemoryProviderStatusStore } from './memory-provider-status-store.ts';
import { MemoryNodeStore } from './memory-node-store.ts';
import { RecordingLogger } from './recording-logger.ts';

/** The UUID of the database of these tests. */
export const INSTALLATION = { installationId: '11111111-1111-4111-8111-111111111111' };

/** What commands use, in memory: deletions in the foreground remove the row, unless told to fail. */
export class FakeCommandContext implements CommandContext {
  readonly clock = new FakeClock();
  readonly history = new MemoryHistoryStore(this.clock);
  readonly nodes = new MemoryNodeStore([], { clock: this.clock, history: this.history });
  readonly images = new MemoryImageStore([], { clock: this.clock, history: this.history });
  readonly dibImages = new MemoryDibImageStore([], { clock: this.clock, history: this.history });
  readonly imagePauses = new MemoryImagePauseStore(this.clock);
  readonly imageData = new MemoryImageDataStore(this.dibImages, this.images);
  readonly providerStatus = new MemoryProviderStatusStore(this.clock);
  readonly farmFreeze = new MemoryFreezeStore(this.clock);
  /** Those that work on the database. */
  daemons: readonly KnownDaemon[] = [];
  /** Of the providers that a command may ask. */
  clouds: readonly FakeCloud[] = [];
  readonly agents = new FakeAgents();
  readonly configPath = '/etc/nodepool/nodepool.yaml';
  readonly user = 'ada';
  /** All that was told, oldest first. */
  readonly told: string[] = [];
  /** What was printed before the end. */
  printed = '';
  configuration: Config = configOf();
  found: readonly ConfigComplaint[] = [];
  /** Thrown by the deletions in the foreground. */
  refusal: Error | undefined;
  /** Whether the managed database runs. */
  databaseRuns = true;
  /** What the operator types when asked. */
  answer = '';
  openedStores = 0;

  config(): Promise<Config> {
    return Promise.resolve(this.configuration);
  }

  complaints(): Promise<readonly ConfigComplaint[]> {
    return Promise.resolve(this.found);
  }

  stores(): Promise<CommandStores> {
    this.openedStores += 1;
    const { nodes, images, dibImages, imagePauses, imageData, history, farmFreeze, providerStatus } = this;
    const daemons = { list: () => Promise.resolve(this.daemons) };
    const ofImages = { images, dibImages, imagePauses, imageData };
    return Promise.resolve({ nodes, ...ofImages, history, farmFreeze, providerStatus, daemons });
  }

  async deleteNow(node: Node): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    await this.nodes.remove(node, { who: 'deleter', why: 'Its agent and its server are gone' });
  }

  async deleteImageNow(image: SnapshotImage): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    await this.images.remove(image, { who: 'image-deleter', why: 'Its image and its build server are gone' });
  }

  openClouds(): Promise<CommandClouds> {
    return Promise.resolve({
      find: (provider) => this.clouds.find(({ name }) => name === provider),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  }

  async findLeaks(provider: string, signal: AbortSignal): Promise<Inspection> {
    const { nodes, images, history } = this;
    return await inspectProvider(
      { name: provider },
      { nodes, images, history, ...INSTALLATION, cloud: this.#cloud(provider) },
      signal,
    );
  }

  async reapLeaks(leaks: Inspection, signal: AbortSignal): Promise<readonly ReapedLeak[]> {
    const farm = {
      config: this.configuration,
      cloudOf: (name: string) => this.#cloud(name),
      agentsOf: () => this.agents,
    };
    const log = new RecordingLogger();
    return await reapLeaks(
      leaks,
      { farm: () => farm, clock: this.clock, log, history: this.history, operatorKeypairs: () => new Set() },
      signal,
    );
  }

  #cloud(provider: string): FakeCloud {
    const cloud = this.clouds.find(({ name }) => name === provider);
    if (cloud === undefined) throw new Error(`The test has no cloud ${provider}`);
    return cloud;
  }

  stopManagedDatabase(): Promise<boolean> {
    const ran = this.databaseRuns;
    this.databaseRuns = false;
    return Promise.resolve(ran);
  }

  print(text: string): void {
    this.printed += text;
  }

  ask(question: string): Promise<string> {
    this.told.push(question);
    return Promise.resolve(this.answer);
  }

  tell(line: string): void {
    this.told.push(line);
  }
}
