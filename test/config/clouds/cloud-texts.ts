import type { CloudSources } from '../../../src/config/config-sources.ts';
import { aNodepoolYaml, inShort, parseTexts } from '../config-texts.ts';

type Given = {
  /** Keys of the provider, in flow style. */
  readonly provider?: string;
  readonly clouds?: string;
  readonly secure?: string;
  readonly publicClouds?: string;
  readonly environment?: Readonly<Record<string, string>>;
};

/** What becomes of the only provider; warnings about other things are left out. */
export function resolveTexts({ provider = '', environment = {}, ...files }: Given) {
  const text = (name: keyof typeof files, path: string) => {
    const found = files[name];
    return found === undefined ? undefined : { path, text: found };
  };
  const clouds: CloudSources = {
    clouds: text('clouds', 'clouds.yaml'),
    secure: text('secure', 'secure.yaml'),
    publicClouds: text('publicClouds', 'clouds-public.yaml'),
  };
  const keys = `name: east, max-servers: 1, images: []${provider === '' ? '' : `, ${provider}`}`;
  const yaml = aNodepoolYaml({
    labels: 'labels: [{name: l, image: i, providers: []}]',
    providers: `providers: [{${keys}}]`,
  });
  const { config, faults, warnings } = parseTexts({ yaml, clouds, environment });
  const [section] = config?.providers ?? [];
  return {
    provider: section,
    cloud: section?.cloud,
    faults: inShort(faults),
    warnings: inShort(warnings.filter(({ path }) => !path.startsWith('labels'))),
  };
}
