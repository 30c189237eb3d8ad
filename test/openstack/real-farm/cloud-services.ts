import { join } from 'node:path';
import { execa } from 'execa';

const SCRIPTS = join(import.meta.dirname, '../real-cloud');
const DEADLINE_MS = 120_000;

export type CloudService = 'keystone' | 'nova-api' | 'neutron' | 'glance';

/** As a crash would: nobody answers from now on. By the scripts, and the variables, with which scripts/test-openstack started the cloud. */
export async function killService(service: CloudService): Promise<void> {
  await run('openstack-down.sh', ['--kill', service]);
}

/** Starts whatever does not run; resolves when all answer. */
export async function startServices(): Promise<void> {
  await run('openstack-up.sh', ['--no-install']);
}

async function run(script: string, words: readonly string[]): Promise<void> {
  await execa(join(SCRIPTS, script), words, { stdin: 'ignore', timeout: DEADLINE_MS });
}
