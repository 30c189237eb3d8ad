import { once } from 'node:events';
import type { CommandClouds, CommandContext, CommandStores, ConfigComplaint } from '../cli/command.ts';
import { printable } from '../cli/printable.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../db/database.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { Node } from '../node/node.ts';
import type { Inspection } from '../pool/leaks/inspect-provider.ts';
import type { ReapedLeak } from '../pool/leaks/reap-leaks.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import { systemRandomness } from '../runtime/randomness.ts';
import { TaskBoard } from '../runtime/task-board.ts';
import type { ForegroundWork } from './foreground-work.ts';
import { openLogging } from './open-logging.ts';

export type ContextOptions = {
  readonly config: string;
  readonly secure: string;
  readonly loggingConfig?: string;
  readonly debug: boolean;
  readonly user: string;
};

/** What commands use. Each part is made when it is first asked for, so that a command pays only for what it needs. */
export function openContext(options: ContextOptions, signal: AbortSignal): CommandContext & AsyncDisposable {
  return new LazyContext(options, signal);
}

class LazyContext implements CommandContext, AsyncDisposable {
  readonly clock = systemClock;
  readonly configPath: string;
  readonly user: string;
  readonly #options: ContextOptions;
  readonly #signal: AbortSignal;
  readonly #log: Logger;
  #config: Promise<Config> | undefined;
  #database: Promise<Database> | undefined;

  constructor(options: ContextOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.configPath = options.config;
    this.user = options.user;
    const logging = options.debug ? openLogging({}, 'debug') : openLogging(options, 'info');
    this.#log = logging.logger('nodepool');
  }

  async config(): Promise<Config> {
    this.#config ??= this.#loadConfig();
    return await this.#config;
  }

  async complaints(): Promise<readonly ConfigComplaint[]> {
    const [{ complaintsOf }, { missingSecrets }] = await Promise.all([
      import('./config-complaints.ts'),
      import('./missing-secrets.ts'),
    ]);
    const complaints = await complaintsOf(this.#options);
    if (complaints.some(({ severity }) => severity === 'error')) return complaints;
    const { secure } = this.#options;
    const missing = await missingSecrets(secure, await this.config());
    if (missing === undefined) return complaints;
    return [...complaints, { severity: 'warning', text: `warning: secrets ${secure}: ${missing}` }];
  }

  async stores(): Promise<CommandStores> {
    return await this.#openDatabase();
  }

  async deleteNow(node: Node, signal: AbortSignal): Promise<void> {
    await using work = await this.#foreground();
    await work.deleteNode(node, signal);
  }

  async deleteImageNow(image: SnapshotImage, signal: AbortSignal): Promise<void> {
    await using work = await this.#foreground();
    await work.deleteImage(image, signal);
  }

  async openClouds(): Promise<CommandClouds> {
    const work = await this.#foreground();
    return { find: (provider) => work.cloudOf(provider), [Symbol.asyncDispose]: () => work[Symbol.asyncDispose]() };
  }

  async findLeaks(provider: string, signal: AbortSignal): Promise<Inspection> {
    await using work = await this.#foreground();
    return await work.findLeaks(provider, signal);
  }

  async reapLeaks(leaks: Inspection, signal: AbortSignal): Promise<readonly ReapedLeak[]> {
    await using work = await this.#foreground();
    return await work.reapLeaks(leaks, signal);
  }

  async stopManagedDatabase(): Promise<boolean> {
    const [{ stopManagedPostgres }, { stateDirectory }] = await Promise.all([
      import('../db/managed-postgres.ts'),
      import('./open-state.ts'),
    ]);
    const deps = { clock: systemClock, randomness: systemRandomness, log: this.#log };
    return await stopManagedPostgres({ stateDir: stateDirectory() }, deps, this.#signal);
  }

  print(text: string): void {
    process.stdout.write(text);
  }

  async ask(question: string): Promise<string> {
    const { createInterface } = await import('node:readline/promises');
    const dialogue = createInterface({ input: process.stdin, output: process.stderr });
    try {
      const nobody = once(dialogue, 'close').then(() => '');
      return await Promise.race([dialogue.question(printable(question), { signal: this.#signal }), nobody]);
    } finally {
      dialogue.close();
    }
  }

  tell(line: string): void {
    process.stderr.write(`${printable(line)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const database = await this.#database?.catch(() => undefined); // that it did not open was told already
    await database?.close();
  }

  async #loadConfig(): Promise<Config> {
    const { ConfigWatch } = await import('./config-watch.ts');
    // Without its warnings: they are for the daemon's log and for config-validate.
    return (await ConfigWatch.open(this.#options, { clock: systemClock })).config;
  }

  async #openDatabase(): Promise<Database> {
    this.#database ??= this.#connect();
    return await this.#database;
  }

  async #connect(): Promise<Database> {
    const [{ openState }, config] = await Promise.all([import('./open-state.ts'), this.config()]);
    const deps = { clock: systemClock, randomness: systemRandomness, log: this.#log };
    const onMaking = (folder: string): void => {
      this.tell(
        `There is no database yet: creating one in ${folder} (to use another, set "dburi" or NODEPOOL_STATE_DIR)`,
      );
    };
    return await openState({ config, program: `cli:${this.user}`, onMaking }, deps, this.#signal);
  }

  async #foreground(): Promise<ForegroundWork> {
    const { openForegroundWork } = await import('./foreground-work.ts');
    const parts = {
      clock: systemClock,
      randomness: systemRandomness,
      log: this.#log,
      tasks: new TaskBoard(systemClock),
      database: await this.#openDatabase(),
    };
    return openForegroundWork(await this.config(), parts);
  }
}
