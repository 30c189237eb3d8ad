/** Command line: one file per verb; a command is data plus one function. */
import type { Config } from '../config/config.ts';
import type { DibImageStore } from '../image/dib-image-store.ts';
import type { ImageDataStore } from '../image/image-data.ts';
import type { ImagePauseStore } from '../image/image-pause-store.ts';
import type { ImageStore } from '../image/image-store.ts';
import type { SnapshotImage } from '../image/snapshot-image.ts';
import type { DaemonStore } from '../node/daemon-store.ts';
import type { FreezeStore } from '../node/freeze-store.ts';
import type { HistoryStore } from '../node/history-store.ts';
import type { NodeStore } from '../node/node-store.ts';
import type { Node } from '../node/node.ts';
import type { Inspection } from '../pool/leaks/inspect-provider.ts';
import type { ReapedLeak } from '../pool/leaks/reap-leaks.ts';
import type { CloudProvider } from '../provider/cloud-provider.ts';
import type { ProviderStatusStore } from '../provider/provider-status.ts';
import type { Clock } from '../runtime/clock.ts';

/** The stores, opened when a command first asks for them. */
export type CommandStores = {
  readonly nodes: NodeStore;
  readonly images: ImageStore;
  readonly dibImages: DibImageStore;
  readonly imagePauses: ImagePauseStore;
  readonly imageData: ImageDataStore;
  readonly history: HistoryStore;
  readonly farmFreeze: FreezeStore;
  readonly daemons: DaemonStore;
  readonly providerStatus: Pick<ProviderStatusStore, 'find' | 'remove'>;
};

/** The clouds of the configuration, opened for one command. */
export interface CommandClouds extends AsyncDisposable {
  /** Undefined: no such provider is configured. */
  find(provider: string): CloudProvider | undefined;
}

/** A fault of nodepool.yaml or the files beside it. */
export type ConfigComplaint = { readonly severity: 'error' | 'warning'; readonly text: string };

/** What commands may use. Everything that costs time is behind a function, so that `--help` and `list` start fast. */
export interface CommandContext {
  /** @throws {ConfigError} it has faults */
  config(): Promise<Config>;
  /** Reads the configuration and gives all faults and warnings, each with file:line:column. */
  complaints(): Promise<readonly ConfigComplaint[]>;
  readonly configPath: string;
  stores(): Promise<CommandStores>;
  /** Deletes the node in this process, and returns when it is gone. */
  deleteNow(node: Node, signal: AbortSignal): Promise<void>;
  /** Deletes the image in this process, and returns when it is gone. */
  deleteImageNow(image: SnapshotImage, signal: AbortSignal): Promise<void>;
  openClouds(): Promise<CommandClouds>;
  /** Looks for what bears our marks in the provider and has no row. */
  findLeaks(provider: string, signal: AbortSignal): Promise<Inspection>;
  /** Deletes what `findLeaks` found; running builds are waited for by nobody, their servers stay. */
  reapLeaks(leaks: Inspection, signal: AbortSignal): Promise<readonly ReapedLeak[]>;
  /** Stops the managed local database; false: none was running. */
  stopManagedDatabase(): Promise<boolean>;
  readonly clock: Clock;
  /** The operator's account name, for the history: `cli:USER`. */
  readonly user: string;
  /** Prints a part of the result before the rest of it is there: standard output. */
  print(text: string): void;
  /** Asks the operator and gives what was typed; empty where nobody answers. */
  ask(question: string): Promise<string>;
  /** Tells the operator something besides the result: standard error, one line. */
  tell(line: string): void;
}

export type CommandArguments = {
  /** By the name of the positional; absent where an optional one was left out. */
  readonly positionals: Readonly<Record<string, string>>;
  /** By the option's long name without dashes: text, or true for a flag. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
};

export type Positional = { readonly name: string; readonly summary: string; readonly isOptional?: boolean };
/** `flags` in commander's form: `--reason <text>`, `--now`. */
export type CommandOption = { readonly flags: string; readonly summary: string };

export type Command = {
  readonly name: string;
  readonly summary: string;
  readonly positionals: readonly Positional[];
  readonly options: readonly CommandOption[];
  /**
   * Gives the text for standard output.
   * @throws {UsageError} what was asked for is wrong, refused or unknown
   */
  run(args: CommandArguments, context: CommandContext, signal: AbortSignal): Promise<string>;
};

/** A command, with what it leaves out filled in. */
export function defineCommand(
  command: Omit<Command, 'positionals' | 'options'> & Partial<Pick<Command, 'positionals' | 'options'>>,
): Command {
  return { positionals: [], options: [], ...command };
}

/** What was asked for is wrong, refused, or names something unknown: printed without a stack, exit 1. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A part of what was asked for could not be had: the rest is printed, then why, exit 1. */
export class IncompleteError extends UsageError {
  /** For standard output. */
  readonly output: string;

  constructor(message: string, output: string) {
    super(message);
    this.output = output;
  }
}
