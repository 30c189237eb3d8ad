import type { CloudConfig } from '../../../src/config/config.ts';
import type { ProviderDeps } from '../../../src/openstack/open-provider.ts';
import { readRealCloud, subjectKind } from '../openstack/open-subject.ts';
import type { ServiceOrigins } from '../openstack/openstack-subject.ts';
import type { TriedCloud } from './cloud-provider-contract.ts';
import { EmulatedCloud, QUICK } from './emulated-cloud.ts';
import { RealOpenStack } from './real-open-stack.ts';

/** Most servers or images in one answer, small so that paging needs few. A real cloud is started with the same. */
export const PAGE_SIZE = 6;

/** Quick, but creates that come together are accepted before the first of them is scheduled. */
const TIMINGS = { ...QUICK, buildMs: 300 };

/** What a test changes in the provider's configuration. */
export type ProviderFacts = { readonly pool?: string; readonly cloud?: Partial<CloudConfig> };

/** Our client on an OpenStack, emulated or real. */
export interface TriedOpenStack extends TriedCloud {
  /** For requests beside our client. */
  readonly account: {
    readonly origins: ServiceOrigins;
    readonly userName: string;
    readonly password: string;
    readonly projectName: string;
  };
  allowFloatingIps(most: number): Promise<void>;
  /** Afterwards the cloud refuses every token that it gave before. */
  expireTokens(): Promise<void>;
}

/**
 * Our client on the cloud that the environment asks for.
 * @throws that cloud is not there
 */
export async function startOpenStack(
  deps: Partial<ProviderDeps> = {},
  facts: ProviderFacts = {},
): Promise<TriedOpenStack> {
  if (subjectKind() === 'real') return await RealOpenStack.start(await readRealCloud(), { deps, facts });
  return await EmulatedCloud.start({ deps, facts, net: 10, emulator: { maxLimit: PAGE_SIZE, timings: TIMINGS } });
}
