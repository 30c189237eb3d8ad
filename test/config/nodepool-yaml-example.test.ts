import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parseConfig } from '../../src/config/parse-config.ts';

test('the example configuration is valid and silent, so that a new farm can start from it', async () => {
  const text = await readFile('nodepool.yaml.example', 'utf8');
  const clouds = 'clouds: {example: {auth: {auth_url: http://keystone.example.org:5000, username: u, password: p}}}';

  const outcome = parseConfig({
    yaml: { path: 'nodepool.yaml.example', text },
    clouds: { clouds: { path: 'clouds.yaml', text: clouds } },
    environment: {},
  });

  expect(outcome).toMatchObject({ faults: [], warnings: [] });
  expect(outcome.config?.labels).toMatchObject([{ name: 'ubuntu-trusty', providers: ['example-cloud'] }]);
  expect(outcome.config?.providers[0]?.images).toMatchObject([{ setup: 'prepare-node.sh' }]);
  expect(outcome.config?.targets).toHaveLength(1);
});
