import type { Config } from '../../config/config.ts';
import { ConfigError } from '../../config/config-fault.ts';
import { describeError } from '../../runtime/errors.ts';
import { complaintsOf } from '../config-complaints.ts';
import { ConfigWatch } from '../config-watch.ts';
import { missingSecrets } from '../missing-secrets.ts';
import { type ConfigFiles, UnreadableConfigError } from '../read-config-files.ts';
import { checkDatabase } from './check-database.ts';
import { checkFiles } from './check-files.ts';
import { checkImages } from './check-images.ts';
import { checkPeers, type PeerDeps } from './check-peers.ts';
import { checkProvider } from './check-provider.ts';
import { type Finding, renderFinding } from './finding.ts';

/** What a daemon would be started with. */
export type Setup = ConfigFiles & { readonly builder: boolean };

export type SetupCheckDeps = PeerDeps & { readonly print: (line: string) => void };

/**
 * Looks at everything that a daemon with this configuration needs, and prints a line for each: what is there, or what to
 * do. Changes nothing. Gives the exit status: 0 all is good, 1 something is not, 2 the configuration cannot be used.
 */
export async function checkSetup(setup: Setup, deps: SetupCheckDeps, signal: AbortSignal): Promise<number> {
  const config = await checkConfig(setup, deps);
  if (config === undefined) return 2;
  const looks: readonly Promise<Finding | readonly Finding[]>[] = [
    checkSecrets(setup.secure, config),
    checkDatabase(config, deps, signal),
    ...checkFiles(config, { ...deps, signal }),
    ...checkImages({ config, builder: setup.builder, environment: process.env }, { ...deps, signal }),
    ...checkPeers(config, deps, signal),
    ...config.providers.map((provider) => checkProvider(provider, deps, signal)),
  ];
  let isGood = true;
  // In the order of the configuration, each as soon as those before it are known.
  for (const look of looks) {
    for (const finding of [await look].flat()) {
      deps.print(renderFinding(finding));
      isGood &&= finding.isGood;
    }
  }
  return isGood ? 0 : 1;
}

async function checkSecrets(secure: string, config: Config): Promise<readonly Finding[]> {
  const text = await missingSecrets(secure, config);
  return text === undefined ? [] : [{ what: `secrets ${secure}`, isGood: false, text }];
}

/** The configuration; undefined: it has faults, which are printed. */
async function checkConfig(files: ConfigFiles, { print, clock }: SetupCheckDeps): Promise<Config | undefined> {
  try {
    const complaints = await complaintsOf(files);
    const { config } = await ConfigWatch.open(files, { clock });
    for (const { text } of complaints) print(text);
    const { labels, providers, targets } = config;
    const text = `${labels.length} labels, ${providers.length} providers, ${targets.length} targets`;
    print(renderFinding({ what: `configuration ${files.config}`, isGood: true, text }));
    return config;
  } catch (error) {
    if (!(error instanceof ConfigError) && !(error instanceof UnreadableConfigError)) throw error;
    for (const text of describeError(error).split('\n')) {
      print(renderFinding({ what: 'configuration', isGood: false, text }));
    }
    return undefined;
  }
}
