import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { PlainSummaryReporter } from '../../../plain-summary-reporter.ts';
import { ElapsedReporter } from './elapsed-reporter.ts';

/** The contract and whole farms on a real OpenStack: see scripts/test-openstack, which names the cloud. */
// eslint-disable-next-line no-restricted-syntax -- vitest wants a default export
export default defineConfig({
  root: join(import.meta.dirname, '../../..'),
  test: {
    include: [
      'test/contract/openstack/*.test.ts',
      'test/contract/openstack-client/{our-client,floating-ips,token-expiry}.test.ts',
      'test/openstack/real-farm/*.test.ts',
    ],
    // For the farms.
    globalSetup: ['test/private-postgres.ts', 'test/built-programs.ts'],
    reporters: [new ElapsedReporter(Number(process.env['ELAPSED_SECONDS'] ?? 0)), new PlainSummaryReporter()],
    // One project, its quotas and its hypervisor's faults are shared by all.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
