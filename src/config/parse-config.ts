import type * as z from 'zod';
import { definedOnly } from '../runtime/defined-only.ts';
import { buildProvider } from './build-provider.ts';
import { checkFarm } from './check-farm.ts';
import type { Sections } from './check-farm.ts';
import { checkReferences } from './check-references.ts';
import { loadClouds } from './clouds/load-clouds.ts';
import { resolveCloud } from './clouds/resolve-cloud.ts';
import type { Config, ProviderConfig } from './config.ts';
import type { ConfigFault } from './config-fault.ts';
import type { ConfigSources } from './config-sources.ts';
import { deepFreeze } from './deep-freeze.ts';
import { DiskImageSection } from './diskimage-section.ts';
import { FaultReport } from './fault-report.ts';
import { joinDatabase, joinDiskImages, joinTargets } from './join-secure-conf.ts';
import { LabelSection } from './label-section.ts';
import { NodepoolSection } from './nodepool-section.ts';
import type { ParsedNodepool } from './nodepool-section.ts';
import { ProviderSection } from './provider-section.ts';
import { conformToSchema } from './schema/conform-to-schema.ts';
import { describeNode } from './schema/describe-issue.ts';
import { parseSection } from './schema/parse-section.ts';
import { readSecureConf } from './secure-conf.ts';
import { TargetSection } from './target-section.ts';
import { readYaml } from './yaml/read-yaml.ts';
import { nodeAt } from './yaml/yaml-node.ts';
import type { YamlMap } from './yaml/yaml-node.ts';

/** What became of the sources. All faults and warnings at once, each with its place. */
export type ConfigOutcome = {
  /** Deeply frozen. Absent: there are faults. */
  readonly config?: Config;
  readonly faults: readonly ConfigFault[];
  readonly warnings: readonly ConfigFault[];
};

/** Reads, checks and joins nodepool.yaml, secure.conf and clouds.yaml. Never throws: whatever the files hold, faults say so. */
export function parseConfig(sources: ConfigSources): ConfigOutcome {
  const report = new FaultReport();
  const config = parse(sources, report);
  const { faults, warnings } = report;
  return config === undefined || report.isFaulty
    ? { faults, warnings }
    : { config: deepFreeze(config), faults, warnings };
}

function parse(sources: ConfigSources, report: FaultReport): Config | undefined {
  const secure = sources.secure === undefined ? undefined : readSecureConf(sources.secure, report);
  const clouds = loadClouds(sources, report);
  const tree = readYaml(sources.yaml, report);
  if (tree === undefined) return undefined;
  if (tree.kind !== 'map') {
    report.fault(tree.at, [], `Expected a map at the top of the file, found ${describeNode(tree, true)}`);
    return undefined;
  }
  const parsed = parseSection({ schema: NodepoolSection, node: tree, path: [] }, report);
  const farm = { tree, sections: sectionsOf(tree, parsed) };
  checkFarm(farm, report);
  checkReferences(farm, report);
  if (parsed === undefined) return undefined;
  const join = { secure, tree, report };
  const database = joinDatabase(parsed.databaseUrl, join);
  const scriptDir = parsed.scriptDir === undefined ? undefined : nodeAt(tree, ['script-dir']).at;
  return definedOnly({
    ...parsed,
    databaseUrl: database?.url,
    places: definedOnly({ databaseUrl: database?.at, scriptDir }),
    targets: joinTargets(parsed.targets, join),
    diskimages: joinDiskImages(parsed.diskimages, join),
    providers: buildProviders({ parsed, tree, clouds }, report),
  });
}

type ProviderSources = {
  readonly parsed: ParsedNodepool;
  readonly tree: YamlMap;
  readonly clouds: ReturnType<typeof loadClouds>;
};

function buildProviders({ parsed, tree, clouds }: ProviderSources, report: FaultReport): readonly ProviderConfig[] {
  const list = tree.entries.get('providers')?.value;
  return parsed.providers.flatMap((provider, index) => {
    const node = list?.kind === 'list' ? list.items[index] : undefined;
    const resolved = node?.kind === 'map' ? resolveCloud(node, clouds, report) : undefined;
    return resolved === undefined ? [] : [buildProvider(provider, resolved, parsed.diskimages)];
  });
}

/** What could be read, so that one broken section does not hide the faults of the others. */
function sectionsOf(tree: YamlMap, parsed: ParsedNodepool | undefined): Sections {
  if (parsed === undefined) {
    return {
      labels: readable(tree, 'labels', LabelSection),
      providers: readable(tree, 'providers', ProviderSection),
      targets: readable(tree, 'targets', TargetSection),
      diskimages: readable(tree, 'diskimages', DiskImageSection),
    };
  }
  return {
    labels: indexed(parsed.labels),
    providers: indexed(parsed.providers),
    targets: indexed(parsed.targets),
    diskimages: indexed(parsed.diskimages),
  };
}

function readable<T extends z.ZodType>(tree: YamlMap, list: string, schema: T): ReadonlyMap<number, z.output<T>> {
  const node = tree.entries.get(list)?.value;
  const sections = new Map<number, z.output<T>>();
  if (node?.kind !== 'list') return sections;
  node.items.forEach((item, index) => {
    // Its warnings were given when the file was read as a whole.
    const result = schema.safeParse(conformToSchema(schema, item, new FaultReport()));
    if (result.success) sections.set(index, result.data);
  });
  return sections;
}

function indexed<T>(items: readonly T[]): ReadonlyMap<number, T> {
  return new Map(items.entries());
}
