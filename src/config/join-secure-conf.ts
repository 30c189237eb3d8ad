import type { JenkinsConfig, TargetConfig } from './config.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { Secret } from '../runtime/secret.ts';
import type { FaultReport } from './fault-report.ts';
import type { SecureConf, SecureJenkins } from './secure-conf.ts';
import type { ParsedTarget } from './target-section.ts';
import { keyPlaceAt, nodeAt } from './yaml/yaml-node.ts';
import type { YamlMap } from './yaml/yaml-node.ts';

/** nodepool.yaml with secure.conf over it; where both say something different, the operator is warned. */
export type SecureJoin = { readonly secure: SecureConf | undefined; readonly tree: YamlMap; readonly report: FaultReport };

/** The database of secure.conf, else that of nodepool.yaml. */
export function joinDatabase(own: Secret | undefined, { secure, tree, report }: SecureJoin): Secret | undefined {
  const stronger = secure?.databaseUrl;
  if (own !== undefined && stronger !== undefined && !own.equals(stronger)) {
    report.warn(keyPlaceAt(tree, ['dburi']), ['dburi'], 'Key "dburi" differs from secure.conf, which wins');
  }
  return stronger ?? own;
}

/** The targets with their Jenkins masters. */
export function joinTargets(targets: readonly ParsedTarget[], join: SecureJoin): readonly TargetConfig[] {
  for (const { target, at } of join.secure?.jenkins ?? []) {
    if (targets.some(({ name }) => name === target)) continue;
    join.report.warn(at, [], `Section "jenkins" is for unknown target "${target}"`);
  }
  return targets.map((target, index) => {
    const jenkins = joinJenkins(target, index, join);
    return { ...target, jenkins };
  }).map(definedOnly);
}

const WORDS = { url: 'url', user: 'user', apiKey: 'apikey', credentialsId: 'credentials-id' } as const;

function joinJenkins(target: ParsedTarget, index: number, join: SecureJoin): JenkinsConfig | undefined {
  const secure = join.secure?.jenkins.find((section) => section.target === target.name);
  const own = target.jenkins;
  const path = ['targets', index, 'jenkins'];
  if (secure !== undefined && own !== undefined) {
    for (const key of differences(own, secure)) {
      const message = `Key "${WORDS[key]}" differs from secure.conf, which wins`;
      join.report.warn(nodeAt(join.tree, [...path, WORDS[key]]).at, [...path, WORDS[key]], message);
    }
  }
  const url = secure?.url ?? own?.url;
  if (url === undefined || url === '') {
    const at = own === undefined ? secure?.at : keyPlaceAt(join.tree, path);
    const message = 'There is no "url", here or in secure.conf: no Jenkins is configured for this target';
    if (at !== undefined) join.report.warn(at, path, message);
    return undefined;
  }
  return definedOnly({
    url: url.replace(/[/]+$/, ''),
    user: secure?.user ?? own?.user,
    apiKey: secure?.apiKey ?? own?.apiKey,
    credentialsId: secure?.credentialsId ?? own?.credentialsId,
    testJob: own?.testJob,
  });
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
