import type { ConfigSources } from '../../src/config/config-sources.ts';
import type { ConfigFault } from '../../src/config/config-fault.ts';
import { parseConfig } from '../../src/config/parse-config.ts';

/** A valid configuration of one label, provider and target; each part can be replaced. */
export function aNodepoolYaml(parts: Partial<Record<'top' | 'labels' | 'providers' | 'targets', string>> = {}): string {
  const {
    top = '',
    labels = 'labels: [{name: build, image: trusty, providers: [{name: east}]}]',
    providers = 'providers: [{name: east, auth-url: "http://keystone:5000/v2.0", max-servers: 4, images: [{name: trusty, min-ram: 1024, setup: prepare.sh}]}]',
    targets = 'targets: [{name: jenkins1}]',
  } = parts;
  return [top, labels, providers, targets].join('\n');
}

type Parts = { readonly yaml?: string; readonly secure?: string } & Partial<
  Pick<ConfigSources, 'clouds' | 'environment'>
>;

/** What becomes of the texts; nobody looks for clouds.yaml unless it is given. */
export function parseTexts({ yaml = aNodepoolYaml(), secure, clouds, environment = {} }: Parts) {
  return parseConfig({
    yaml: { path: 'nodepool.yaml', text: yaml },
    secure: secure === undefined ? undefined : { path: 'secure.conf', text: secure },
    clouds,
    environment,
  });
}

/** `FILE:LINE MESSAGE` of each. */
export function inShort(faults: readonly ConfigFault[]): readonly string[] {
  return faults.map(({ file, line, message }) => `${file}:${line} ${message}`);
}
