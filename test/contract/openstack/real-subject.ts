import { rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { OpenStackSubject, SubjectFault, SubjectQuota } from './openstack-subject.ts';
import { getToken, sendRaw } from './raw-http.ts';

const Account = z.object({ userName: z.string(), password: z.string(), projectName: z.string() });

/**
 * A real OpenStack for the contract. Its project is empty and has the networks `private` and `public`, the image
 * `base-test`, the flavors m1.tiny to m1.large, and for the transcript of failing builds one `huge` that fits no host.
 */
export const RealCloud = Account.extend({
  /** Base URLs without a path. */
  origins: z.object({ identity: z.string(), compute: z.string(), image: z.string(), network: z.string() }),
  projectId: z.string(),
  /** May set quotas. */
  admin: Account,
  /** File from which a fake hypervisor reads what it is to do. */
  faultsFile: z.string(),
});
export type RealCloud = z.output<typeof RealCloud>;

const FULL_QUOTA = { instances: 20, cores: 80, ramMib: 163_840, keyPairs: 100, floatingIps: 20, ports: 200 };

export async function openRealSubject(cloud: RealCloud): Promise<OpenStackSubject> {
  const { origins, userName, password, projectName } = cloud;
  await writeFaults({}, cloud);
  const setQuota = async (quota: SubjectQuota): Promise<void> => {
    const { instances, cores, ramMib, keyPairs, floatingIps, ports } = { ...FULL_QUOTA, ...quota };
    const put = await administrator(cloud);
    const compute = { instances, cores, ram: ramMib, key_pairs: keyPairs, force: true };
    await put(`${origins.compute}/v2.1/os-quota-sets/${cloud.projectId}`, { quota_set: compute });
    await put(`${origins.network}/v2.0/quotas/${cloud.projectId}`, { quota: { floatingip: floatingIps, port: ports } });
  };
  return {
    origins,
    userName,
    password,
    projectName,
    pass: (ms) => systemClock.sleep(ms),
    setQuota,
    failNext: (fault) => writeFaults(faultsFor(fault), cloud),
    close: async () => {
      await writeFaults({}, cloud);
      await setQuota({});
    },
  };
}

async function administrator({ origins, admin }: RealCloud): Promise<(url: string, body: unknown) => Promise<void>> {
  const headers = { 'x-auth-token': await getToken(origins.identity, admin), 'content-type': 'application/json' };
  return async (url, body) => {
    const answer = await sendRaw({ method: 'PUT', url, headers, body: JSON.stringify(body) });
    if (answer.status >= 300) throw new Error(`Cannot set a quota: ${answer.status} ${answer.text}`);
  };
}

function faultsFor(fault: SubjectFault): Record<string, unknown> {
  switch (fault.on) {
    case 'build':
      // Rescheduled, every host must fail; there are two.
      return fault.by === 'abort'
        ? { spawn: { fail_next: 1, mode: 'abort', message: fault.message } }
        : { spawn: { fail_next: 2, mode: 'reschedule', message: fault.message } };
    case 'delete':
      return { delete: { fail_next: 1, message: fault.message } };
    case 'snapshot':
      return { snapshot: { fail_next: 1 } };
  }
}

async function writeFaults(faults: Record<string, unknown>, { faultsFile }: RealCloud): Promise<void> {
  await writeFile(`${faultsFile}.new`, JSON.stringify(faults));
  await rename(`${faultsFile}.new`, faultsFile);
}
