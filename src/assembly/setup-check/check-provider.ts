import type { ProviderConfig } from '../../config/config.ts';
import { openProvider } from '../../openstack/open-provider.ts';
import type { CloudProvider, Limits } from '../../provider/cloud-provider.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { PeerDeps } from './check-peers.ts';
import { type Finding, inspect } from './finding.ts';

/** Logs in to the provider's cloud and looks for what its images need there. Changes nothing. */
export async function checkProvider(
  provider: ProviderConfig,
  deps: PeerDeps,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const cloud = openProvider(provider, deps);
  const what = `provider ${provider.name}`;
  try {
    const advice = 'look at the cloud in clouds.yaml, and at "cloud" and "region-name"';
    const login = await inspect({ what, advice }, { ...deps, signal }, async (inner) => {
      const [limits, servers] = [await cloud.readLimits(inner), await cloud.listServers(inner)];
      return `${servers.length} servers; ${describeLimits(limits)}`;
    });
    if (!login.isGood) return [login];
    const look = { provider, cloud, clock: deps.clock, signal };
    return [login, ...(await Promise.all([...baseImages(look), ...keypairs(look)]))];
  } finally {
    await cloud.close();
  }
}

function describeLimits(limits: Limits): string {
  const of = (used: number, most: number | undefined): string =>
    most === undefined ? `${used}` : `${used} of ${most}`;
  return [
    `${of(limits.usedInstances, limits.maxInstances)} instances`,
    `${of(limits.usedCores, limits.maxCores)} cores`,
    `${of(limits.usedRamMib, limits.maxRamMib)} MiB of RAM in use`,
  ].join(', ');
}

type Look = {
  readonly provider: ProviderConfig;
  readonly cloud: CloudProvider;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

function baseImages(look: Look): readonly Promise<Finding>[] {
  const { provider, cloud } = look;
  const names = new Set(provider.images.map(({ baseImage }) => baseImage).filter((name) => name !== undefined));
  return [...names].map((name) =>
    inspect({ what: `base image ${name} in ${provider.name}`, advice: 'look at "base-image"' }, look, async (inner) => {
      const image = await cloud.findImage(name, inner);
      if (image === undefined) throw new Error('There is no such image');
      return `${image.status}, ${image.id}`;
    }),
  );
}

function keypairs(look: Look): readonly Promise<Finding>[] {
  const { provider, cloud } = look;
  const given = [provider.keypair, ...provider.images.map(({ keyName }) => keyName)];
  const names = new Set(given.filter((name) => name !== undefined));
  if (names.size === 0) return [];
  const listed = cloud.listKeypairs(look.signal);
  listed.catch(() => undefined); // each finding tells of it
  return [...names].map((name) =>
    inspect(
      { what: `keypair ${name} in ${provider.name}`, advice: 'look at "keypair" and "key-name"' },
      look,
      async () => {
        if (!(await listed).includes(name)) throw new Error('There is no such keypair');
        return 'it is there';
      },
    ),
  );
}
