import { expect, test } from 'vitest';
import { exitCodeOf } from '../../../src/cli/exit-code.ts';
import { InvalidConfigError } from '../../../src/cli/invalid-config-error.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

test('a good file is said to be good, and the database is not touched', async () => {
  const context = new FakeCommandContext();

  const printed = await runCommand(['config-validate'], context);

  expect(printed).toBe('');
  expect(context.told).toEqual(['validating /etc/nodepool/nodepool.yaml', 'Configuration validation complete']);
  expect(context.openedStores).toBe(0);
});

test('warnings are told, and the file is good', async () => {
  const context = new FakeCommandContext();
  context.found = [{ severity: 'warning', text: 'warning: nodepool.yaml:3:1: cron: Unknown key' }];

  await runCommand(['config-validate'], context);

  expect(context.told).toContain('warning: nodepool.yaml:3:1: cron: Unknown key');
  expect(context.told.at(-1)).toBe('Configuration validation complete');
});

test('all faults are listed, one a line, with status 2', async () => {
  const context = new FakeCommandContext();
  context.found = [
    { severity: 'error', text: 'nodepool.yaml:3:1: labels: One' },
    { severity: 'warning', text: 'warning: nodepool.yaml:4:1: Two' },
    { severity: 'error', text: 'nodepool.yaml:5:1: labels: Three' },
  ];

  const validation = runCommand(['config-validate'], context);

  const faults = ['nodepool.yaml:3:1: labels: One', 'nodepool.yaml:5:1: labels: Three'];
  await expect(validation).rejects.toThrow(new InvalidConfigError(faults));
  expect(exitCodeOf(new InvalidConfigError(faults))).toBe(2);
  expect(context.told).not.toContain('Configuration validation complete');
});
