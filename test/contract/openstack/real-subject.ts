import { rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemClock } from '../../../src/runtime/clock.ts';
import { emptyProject } from './empty-project.ts';
import type { OpenStackSubject, SubjectFault, SubjectOptions, SubjectQuota } from './openstack-subject.ts';
import { Account } from './real-account.ts';
import { RealProject } from './real-project.ts';

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
  delete: { delay: 0.5 },
  snapshot: { delay: 0.8, upload_seconds: 0.5 },
};
/** Polls share the machine with what they wait for. */
const LEAST_PAUSE_MS = 150;
/** By the identity service's address: to log in and to set all quotas for each test would take longer than most tests. */
const PROJECTS: Record<string, Promise<RealProject>> = {};

/**
 * Takes the cloud over, with an empty project, full quotas and no faults.
 * @throws it does not answer, or its project cannot be emptied
 */
export async function openRealSubject(cloud: RealCloud, options: SubjectOptions = {}): Promise<OpenStackSubject> {
  const { origins, userName, password, projectName } = cloud;
  const project = await (PROJECTS[origins.identity] ??= RealProject.open(cloud));
  const setQuota = (quota: SubjectQuota): Promise<void> => project.setQuota({ ...FULL_QUOTA, ...quota });
  await writeFaults({}, cloud);
  await Promise.all([
    setQuota({}),
    emptyProject(project.tenant),
    project.setHugeFlavor(options.hasHugeFlavor ?? false),
  ]);
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
