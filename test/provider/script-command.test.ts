import { expect, test } from 'vitest';
import { scriptCommand } from '../../src/provider/script-command.ts';

const quote = (text: string): string => `<${text}>`;

test('runs the script in its folder, with the daemon’s variables before it (upstream: runReadyScript)', () => {
  const call = { script: 'ready.sh', argument: 'trusty-1', environment: { NODEPOOL_SSH_KEY: 'AAAA', NODEPOOL_X: '' } };

  expect(scriptCommand(call, quote)).toBe(
    'cd /opt/nodepool-scripts && NODEPOOL_SSH_KEY=<AAAA> NODEPOOL_X=<> <./ready.sh> <trusty-1>',
  );
});

test('quotes what operators write: nothing of it is a command', () => {
  const call = { script: 'a b; rm -rf /', argument: '$(reboot)', environment: { NODEPOOL_X: '`id`' } };

  expect(scriptCommand(call, quote)).toBe(
    'cd /opt/nodepool-scripts && NODEPOOL_X=<`id`> <./a b; rm -rf /> <$(reboot)>',
  );
});

test('leaves out variables with a name that no shell takes', () => {
  const environment = { 'NODEPOOL_A-B': '1', 'NODEPOOL_A;id': '2', NODEPOOL_OK: '3' };

  expect(scriptCommand({ script: 's', argument: 'h', environment }, quote)).toBe(
    'cd /opt/nodepool-scripts && NODEPOOL_OK=<3> <./s> <h>',
  );
});
