import type { DiskImageConfig, JenkinsConfig, TargetConfig } from './config.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { Secret } from '../runtime/secret.ts';
import type { KeyPath } from './config-fault.ts';
import type { FaultReport } from './fault-report.ts';
import { EMPTY_DATABASE_URL } from './secure-conf.ts';
import type { SecureConf, SecureJenkins } from './secure-conf.ts';
import type { ParsedTarget } from './target-section.ts';
import { webAddressFault } from './web-address.ts';
import { keyPlaceAt, nodeAt, valueOf } from './yaml/yaml-node.ts';
import type { YamlMap } from './yaml/yaml-node.ts';

/** nodepool.yaml with secure.conf over it; where both say something different, the operator is warned. */
export type SecureJoin = {
  readonly secure: SecureConf | undefined;
  readonly tree: YamlMap;
  readonly report: FaultReport;
};

/** The database of secure.conf, else that of nodepool.yaml, and where it stands. */
export function joinDatabase(own: Secret | undefined, { secure, tree, report }: SecureJoin): SecureConf['database'] {
  const stronger = secure?.database;
  const at = keyPlaceAt(tree, ['dburi']);
  if (own !== undefined && stronger !== undefined && !own.equals(stronger.url)) {
    report.warn(at, ['dburi'], 'Key "dburi" differs from secure.conf, which wins');
  }
  const isEmpty = own === undefined ? valueOf(tree, 'dburi') !== undefined : own.reveal() === '';
  if (stronger === undefined && isEmpty) report.fault(at, ['dburi'], EMPTY_DATABASE_URL);
  return stronger ?? (own === undefined ? undefined : { url: own, at });
}

/** The targets with their Jenkins masters. */
export function joinTargets(targets: readonly ParsedTarget[], join: SecureJoin): readonly TargetConfig[] {
  for (const { target, at } of join.secure?.jenkins ?? []) {
    if (targets.some(({ name }) => name === target)) continue;
    join.report.warn(at, [], `Section "jenkins" is for unknown target "${target}"`);
  }
  return targets
    .map((target, index) => {
      const jenkins = joinJenkins(target, index, join);
      return { ...target, jenkins };
    })
    .map(definedOnly);
}

const WORDS = { url: 'url', user: 'user', apiKey: 'apikey', credentialsId: 'credentials-id' } as const;

function joinJenkins(target: ParsedTarget, index: number, join: SecureJoin): JenkinsConfig | undefined {
  const secure = join.secure?.jenkins.find((section) => section.target === target.name);
  const own = target.jenkins;
  const path = ['targets', index, 'jenkins'];
  if (secure !== undefined && own !== undefined) warnOfDifferences({ own, secure, path }, join);
  const keys = { ...definedOnly(own ?? {}), ...strongerKeys(secure) };
  if (keys.url !== undefined && keys.url !== '') {
    checkUrl(keys.url, { secure, path: [...path, 'url'] }, join);
    return { ...keys, url: keys.url.replace(/[/]+$/, '') };
  }
  const at = own === undefined ? secure?.at : keyPlaceAt(join.tree, path);
  const message = 'There is no "url", here or in secure.conf: no Jenkins is configured for this target';
  if (at !== undefined) join.report.warn(at, path, message);
  return undefined;
}

function checkUrl(
  url: string,
  { secure, path }: { readonly secure: SecureJenkins | undefined; readonly path: KeyPath },
  { tree, report }: SecureJoin,
): void {
  const isSecret = secure?.url !== undefined;
  const fault = webAddressFault(url, { example: 'https://jenkins.example.org', isSecret });
  if (fault === undefined) return;
  const at = isSecret ? (secure.urlAt ?? secure.at) : nodeAt(tree, path).at;
  report.fault(at, path, fault);
}

function strongerKeys(secure: SecureJenkins | undefined): Partial<JenkinsConfig> {
  if (secure === undefined) return {};
  const { url, user, apiKey, credentialsId } = secure;
  return definedOnly({ url, user, apiKey, credentialsId });
}

type Pair = {
  readonly own: NonNullable<ParsedTarget['jenkins']>;
  readonly secure: SecureJenkins;
  readonly path: KeyPath;
};

function warnOfDifferences({ own, secure, path }: Pair, { tree, report }: SecureJoin): void {
  for (const key of differences(own, secure)) {
    const keyPath = [...path, WORDS[key]];
    report.warn(nodeAt(tree, keyPath).at, keyPath, `Key "${WORDS[key]}" differs from secure.conf, which wins`);
  }
}

function differences(own: NonNullable<ParsedTarget['jenkins']>, secure: SecureJenkins) {
  return (['url', 'user', 'apiKey', 'credentialsId'] as const).filter((key) => {
    const [weaker, stronger] = [own[key], secure[key]];
    return weaker !== undefined && stronger !== undefined && reveal(weaker) !== reveal(stronger);
  });
}

function reveal(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}

/** The disk images with the secret variables of their builds. */
export function joinDiskImages(
  diskimages: readonly DiskImageConfig[],
  { secure, tree, report }: SecureJoin,
): readonly DiskImageConfig[] {
  for (const { name, at } of secure?.diskimages ?? []) {
    if (diskimages.some((diskimage) => diskimage.name === name)) continue;
    report.warn(at, [], `Section "diskimage" is for unknown diskimage "${name}"`);
  }
  return diskimages.map((diskimage, index) => {
    const section = secure?.diskimages.find(({ name }) => name === diskimage.name);
    if (section === undefined) return diskimage;
    for (const key of section.environment.keys()) {
      if (!Object.hasOwn(diskimage.envVars, key)) continue;
      const path = ['diskimages', index, 'env-vars', key];
      report.warn(nodeAt(tree, path).at, path, `Variable "${key}" stands in secure.conf too, which wins`);
    }
    const secretEnv = Object.fromEntries([...section.environment].map(([key, { value }]) => [key, value]));
    return { ...diskimage, secretEnv };
  });
}
