import { openProvider, type ProviderDeps } from '../../../src/openstack/open-provider.ts';
import type { CloudProvider } from '../../../src/provider/cloud-provider.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { systemRandomness } from '../../../src/runtime/randomness.ts';
import { Secret } from '../../../src/runtime/secret.ts';
import { TaskBoard } from '../../../src/runtime/task-board.ts';
import { RecordingLogger } from '../../fakes/recording-logger.ts';
import { aCloud, aProvider } from '../../openstack/a-provider.ts';
import type { OpenStackSubject } from '../openstack/openstack-subject.ts';
import { openRealSubject, type RealCloud } from '../openstack/real-subject.ts';
import { Tenant } from '../openstack/tenant.ts';
import { awaitTokenEnd } from '../openstack/token-end.ts';
import type { ProviderFacts, TriedOpenStack } from './tried-open-stack.ts';

/** Our client on a real OpenStack, whose project is emptied first. */
export class RealOpenStack implements TriedOpenStack {
  readonly clock = systemClock;
  readonly imageName = 'base-test';
  readonly imageId: string;
  readonly provider: CloudProvider;
  readonly account: OpenStackSubject;

  private constructor(account: OpenStackSubject, imageId: string, provider: CloudProvider) {
    this.account = account;
    this.imageId = imageId;
    this.provider = provider;
  }

  static async start(
    real: RealCloud,
    { deps, facts }: { readonly deps: Partial<ProviderDeps>; readonly facts: ProviderFacts },
  ): Promise<RealOpenStack> {
    const subject = await openRealSubject(real);
    const { ids } = await Tenant.of(subject);
    const { userName, password, projectName } = real;
    const auth = { kind: 'password', username: userName, password: new Secret(password), projectName } as const;
    const cloud = aCloud(real.origins.identity, { auth, regionName: 'RegionOne', ...facts.cloud });
    const own = { clock: systemClock, randomness: systemRandomness, log: new RecordingLogger() };
    const provider = openProvider(
      { ...aProvider(''), networks: [{ name: 'private' }], ...facts, cloud },
      { ...own, tasks: new TaskBoard(systemClock), ...deps },
    );
    return new RealOpenStack(subject, ids.baseImage, provider);
  }

  async failNextBoot(fault: string): Promise<void> {
    await this.account.failNext({ on: 'build', message: fault, by: 'abort' });
  }

  async failNextSnapshot(): Promise<void> {
    await this.account.failNext({ on: 'snapshot' });
  }

  async allowServers(most: number): Promise<void> {
    await this.account.setQuota({ instances: most });
  }

  async allowFloatingIps(most: number): Promise<void> {
    await this.account.setQuota({ floatingIps: most });
  }

  /** They are waited for: Nova and the others remember a token that was revoked for a while. */
  async expireTokens(): Promise<void> {
    await awaitTokenEnd(this.account);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.close();
    await this.account.close();
  }
}
