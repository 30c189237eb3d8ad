import { rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemClock } from '../../../src/runtime/clock.ts';
import { emptyProject } from './empty-project.ts';
import type { OpenStackSubject, SubjectFault, SubjectOptions, SubjectQuota } from './openstack-subject.ts';
import { Account, RealAccount } from './real-account.ts';

/**
 * A real OpenStack for the contract. Its project is this suite's alone: what is in it is deleted. There are the networks
 * `private` and `public`, the image `base-test`, the flavors m1.tiny to m1.large, the zones az1 and az2 with one host each.
 */
export const RealCloud = Account.extend({
  /** Base URLs without a path. */
  origins: z.object({ identity: z.string(), compute: z.string(), image: z.string(), network: z.string() }),
  /** May set quotas and make flavors. */
  admin: Account,
  /** File from which a fake hypervisor reads what it is to do. */
  faultsFile: z.string(),
});
export type RealCloud = z.output<typeof RealCloud>;

const FULL_QUOTA = { instances: 20, cores: 80, ramMib: 163_840, keyPairs: 100, floatingIps: 20, ports: 200 };
/** In seconds: long enough that a poll sees what goes on meanwhile. */
const DELAYS: Readonly<Record<string, object>> = {
  spawn: { delay: 0.4 },
  delete: { delay: 0.3 },
  snapshot: { delay: 0.8, upload_seconds: 0.5 },
};
/** Polls share the machine with what they wait for. */
const LEAST_PAUSE_MS = 50;
/** More disk than a host has; all else is within the quota. */
const HUGE = { id: 'huge', name: 'huge', ram: 2048, vcpus: 1, disk: 900_000 };

/**
 * Takes the cloud over, with an empty project, full quotas and no faults.
 * @throws it does not answer, or its project cannot be emptied
 */
export async function openRealSubject(cloud: RealCloud, options: SubjectOptions = {}): Promise<OpenStackSubject> {
  const { origins, userName, password, projectName } = cloud;
  const [admin, tenant] = await Promise.all([RealAccount.open(origins, cloud.admin), RealAccount.open(origins, cloud)]);
  const project = await tenant.projectId();
  const setQuota = async (quota: SubjectQuota): Promise<void> => {
    const { instances, cores, ramMib, keyPairs, floatingIps, ports } = { ...FULL_QUOTA, ...quota };
    const compute = { instances, cores, ram: ramMib, key_pairs: keyPairs, force: true };
    const network = { floatingip: floatingIps, port: ports };
    await Promise.all([
      admin.ask('compute', `PUT /v2.1/os-quota-sets/${project}`, { quota_set: compute }),
      admin.ask('network', `PUT /v2.0/quotas/${project}`, { quota: network }),
    ]);
  };
  await writeFaults({}, cloud);
  await Promise.all([setQuota({}), emptyProject(tenant), admin.ask('compute', 'DELETE /v2.1/flavors/huge')]);
  if (options.hasHugeFlavor === true) await admin.ask('compute', 'POST /v2.1/flavors', { flavor: HUGE });
  return {
    kind: 'real',
    origins,
    userName,
    password,
    projectName,
    pass: (ms) => systemClock.sleep(Math.max(ms, LEAST_PAUSE_MS)),
    setQuota,
    failNext: (fault) => writeFaults(faultsFor(fault), cloud),
    close: () => writeFaults({}, cloud), // whoever opens it next empties it
  };
}

function faultsFor(fault: SubjectFault): Readonly<Record<string, object>> {
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

/** The hypervisor may read at any moment, so the file is written aside and renamed. */
export async function writeFaults(
  faults: Readonly<Record<string, object>>,
  { faultsFile }: Pick<RealCloud, 'faultsFile'>,
): Promise<void> {
  const actions = Object.entries(DELAYS).map(([action, delays]) => [action, { ...delays, ...faults[action] }] as const);
  await writeFile(`${faultsFile}.new`, JSON.stringify(Object.fromEntries(actions)));
  await rename(`${faultsFile}.new`, faultsFile);
}
