import type { Config } from '../config/config.ts';
import { ConfigError, formatFault } from '../config/config-fault.ts';
import type { ConfigSources } from '../config/config-sources.ts';
import { parseConfig } from '../config/parse-config.ts';
import type { Clock } from '../runtime/clock.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { DatabaseChange } from './database-change.ts';
import { exposedFiles } from './exposed-files.ts';
import { hostWarnings } from './host-warnings.ts';
import { type ConfigFiles, readConfigFiles, UnreadableConfigError } from './read-config-files.ts';

/** How long a file may be absent, empty or half written while it is replaced. */
const REPLACING_MS = 1_500;

export type ConfigWatchDeps = {
  readonly clock: Clock;
  /** Absent: nobody is told. */
  readonly log?: Logger;
};

/** Keeps the last good configuration: a broken or absent file changes nothing and is logged once. */
export class ConfigWatch {
  readonly #files: ConfigFiles;
  readonly #deps: ConfigWatchDeps;
  readonly #databaseChange: DatabaseChange | undefined;
  #config: Config;
  /** The texts that were looked at last, good or not. */
  #seen: string;
  #complaint = '';
  /** Whether there was a secure.conf when the configuration was read last. */
  #hasSecrets: boolean;

  private constructor(files: ConfigFiles, first: LoadedConfig, deps: ConfigWatchDeps) {
    this.#files = files;
    this.#config = first.config;
    this.#seen = first.fingerprint;
    this.#hasSecrets = first.hasSecrets;
    this.#deps = deps;
    this.#databaseChange = deps.log === undefined ? undefined : new DatabaseChange(first.config, deps.log);
  }

  /**
   * Reads the configuration at start; warnings go to the log, where one is given.
   * @throws {ConfigError} it has faults
   * @throws {UnreadableConfigError} it cannot be read
   */
  static async open(files: ConfigFiles, deps: ConfigWatchDeps): Promise<ConfigWatch> {
    if (deps.log !== undefined) for (const line of await exposedFiles(files.secure)) deps.log.warn(line);
    const loaded = await loadConfig(files, deps.log);
    if (deps.log !== undefined) await warnOfHost(loaded.config, deps.log);
    return new ConfigWatch(files, loaded, deps);
  }

  get config(): Config {
    return this.#config;
  }

  /**
   * Looks at the files again; gives the new configuration if they changed and are good.
   * @throws the signal's reason if it is aborted
   */
  async reload(signal: AbortSignal): Promise<Config | undefined> {
    try {
      const sources = await this.#read(signal);
      const fingerprint = fingerprintOf(sources);
      this.#complaint = '';
      if (fingerprint === this.#seen) return undefined;
      this.#seen = fingerprint;
      this.#config = parse(sources, this.#deps.log);
      this.#deps.log?.info(`Configuration ${this.#files.config} was read again`);
      this.#databaseChange?.look(this.#config);
      if (this.#deps.log !== undefined) await warnOfHost(this.#config, this.#deps.log);
      return this.#config;
    } catch (error) {
      signal.throwIfAborted();
      this.#complain(error);
      return undefined;
    }
  }

  /** Editors and deployment tools replace a file in two steps: what is absent or broken for a moment only is neither. */
  async #read(signal: AbortSignal): Promise<ConfigSources> {
    const sources = await this.#readWhole().catch(() => undefined); // read again, and then said
    if (sources !== undefined && (fingerprintOf(sources) === this.#seen || isUsable(sources))) return sources;
    await this.#deps.clock.sleep(REPLACING_MS, signal);
    return await this.#readWhole();
  }

  /** Without the secrets of the start every target would lose its Jenkins: that is a mishap, not a change. */
  async #readWhole(): Promise<ConfigSources> {
    const sources = await readConfigFiles(this.#files);
    if (this.#hasSecrets && sources.secure === undefined) {
      throw new UnreadableConfigError(`${this.#files.secure} is gone; to do without it, restart the daemon`);
    }
    this.#hasSecrets = sources.secure !== undefined;
    return sources;
  }

  #complain(error: unknown): void {
    const complaint = describeError(error);
    if (complaint !== this.#complaint) {
      const text = `The configuration is not usable, the last good one stays in force: ${complaint}`;
      this.#deps.log?.error(text);
    }
    this.#complaint = complaint;
  }
}

type LoadedConfig = { readonly config: Config; readonly fingerprint: string; readonly hasSecrets: boolean };

async function loadConfig(files: ConfigFiles, log: Logger | undefined): Promise<LoadedConfig> {
  const sources = await readConfigFiles(files);
  const hasSecrets = sources.secure !== undefined;
  const config = parse(sources, log);
  return { config, fingerprint: fingerprintOf(sources), hasSecrets };
}

async function warnOfHost(config: Config, log: Logger): Promise<void> {
  for (const warning of await hostWarnings(config)) log.warn(formatFault(warning));
}

function isUsable(sources: ConfigSources): boolean {
  return parseConfig(sources).config !== undefined;
}

function parse(sources: ConfigSources, log: Logger | undefined): Config {
  const outcome = parseConfig(sources);
  for (const warning of outcome.warnings) log?.warn(formatFault(warning));
  if (outcome.config === undefined) throw new ConfigError(outcome.faults);
  return outcome.config;
}

function fingerprintOf({ yaml, secure, clouds }: ConfigSources): string {
  return JSON.stringify([yaml, secure, clouds]);
}
