import type { Config } from '../config/config.ts';
import { ConfigError, formatFault } from '../config/config-fault.ts';
import type { ConfigSources } from '../config/config-sources.ts';
import { parseConfig } from '../config/parse-config.ts';
import { describeError } from '../runtime/errors.ts';
import type { Logger } from '../runtime/logger.ts';
import { type ConfigFiles, readConfigFiles } from './read-config-files.ts';

/** Keeps the last good configuration: a broken or absent file changes nothing and is logged once. */
export class ConfigWatch {
  readonly #files: ConfigFiles;
  readonly #log: Logger | undefined;
  #config: Config;
  /** The texts that were looked at last, good or not. */
  #seen: string;
  #complaint = '';

  private constructor(files: ConfigFiles, first: LoadedConfig, log: Logger | undefined) {
    this.#files = files;
    this.#config = first.config;
    this.#seen = first.fingerprint;
    this.#log = log;
  }

  /**
   * Reads the configuration at start; warnings go to `log`, where one is given.
   * @throws {ConfigError} it has faults
   * @throws {UnreadableConfigError} it cannot be read
   */
  static async open(files: ConfigFiles, log?: Logger): Promise<ConfigWatch> {
    return new ConfigWatch(files, await loadConfig(files, log), log);
  }

  get config(): Config {
    return this.#config;
  }

  /** Looks at the files again; gives the new configuration if they changed and are good. */
  async reload(): Promise<Config | undefined> {
    try {
      const sources = await readConfigFiles(this.#files);
      const fingerprint = fingerprintOf(sources);
      this.#complaint = '';
      if (fingerprint === this.#seen) return undefined;
      this.#seen = fingerprint;
      this.#config = parse(sources, this.#log);
      this.#log?.info(`Configuration ${this.#files.config} was read again`);
      return this.#config;
    } catch (error) {
      const complaint = describeError(error);
      if (complaint !== this.#complaint) {
        this.#log?.error('The configuration is not usable, the last good one stays in force', { reason: complaint });
      }
      this.#complaint = complaint;
      return undefined;
    }
  }
}

type LoadedConfig = { readonly config: Config; readonly fingerprint: string };

async function loadConfig(files: ConfigFiles, log: Logger | undefined): Promise<LoadedConfig> {
  const sources = await readConfigFiles(files);
  return { config: parse(sources, log), fingerprint: fingerprintOf(sources) };
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
