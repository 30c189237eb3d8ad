import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { findProcesses } from '../../scripts/demonstration/find-processes.ts';

test('a daemon that an operator started again by hand is found by its configuration', async () => {
  const config = `/var/tmp/np-find-${process.pid}/nodepool.yaml`;
  const child = spawn('sh', ['-c', 'echo up; read line', 'nodepoold', '-d', '-c', config]);
  const ended = once(child, 'close');
  try {
    await once(child.stdout, 'data');

    expect(findProcesses('nodepoold', config)).toEqual([child.pid]);
    expect(findProcesses('nodepoold', `${config}.other`)).toEqual([]);
  } finally {
    child.stdin.end();
    await ended;
  }
  expect(findProcesses('nodepoold', config)).toEqual([]);
});
