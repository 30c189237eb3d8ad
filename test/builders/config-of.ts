import type { Config, ProviderConfig, ProviderImageConfig } from '../../src/config/config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';

type Section = Readonly<Record<string, unknown>>;

/** An image of a provider as nodepool.yaml has it: built by a setup script. */
export function anImageSection(keys: Section = {}): Section {
  return { name: 'trusty', 'base-image': 'base', setup: 'prepare.sh', 'min-ram': 1024, ...keys };
}

/** A provider as nodepool.yaml has it, with one image. */
export function aProviderSection(keys: Section = {}): Section {
  return {
    name: 'fake-provider',
    'auth-url': 'http://127.0.0.1:9/v3',
    username: 'nodepool',
    password: 'secret',
    'project-name': 'ci',
    'max-servers': 4,
    images: [anImageSection()],
    ...keys,
  };
}

export function aLabelSection(keys: Section = {}): Section {
  return { name: 'build', image: 'trusty', 'min-ready': 1, providers: [{ name: 'fake-provider' }], ...keys };
}

export function aTargetSection(keys: Section = {}): Section {
  return { name: 'jenkins1', ...keys };
}

/**
 * The configuration of a nodepool.yaml with one provider, label and target, of which `keys` replaces some.
 * @throws {Error} it has faults
 */
export function configOf(keys: Section = {}): Config {
  const { config, faults } = parseConfig({ yaml: { path: 'nodepool.yaml', text: yamlOf(keys) }, environment: {} });
  if (config === undefined) throw new Error(faults.map(({ message }) => message).join('\n'));
  return config;
}

/** The same as text: JSON is YAML. */
export function yamlOf(keys: Section = {}): string {
  return JSON.stringify(
    {
      'script-dir': '/scripts',
      labels: [aLabelSection()],
      providers: [aProviderSection()],
      targets: [aTargetSection()],
      ...keys,
    },
    undefined,
    2,
  );
}

/** The first provider of such a configuration, and its first image. */
export function firstImageOf(config: Config): {
  readonly provider: ProviderConfig;
  readonly image: ProviderImageConfig;
} {
  const [provider] = config.providers;
  const [image] = provider?.images ?? [];
  if (provider === undefined || image === undefined) throw new Error('The configuration has no image');
  return { provider, image };
}
