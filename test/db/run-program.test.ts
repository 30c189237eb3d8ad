import { afterEach, expect, test, vi } from 'vitest';
import { runProgram } from '../../src/db/run-program.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a program of the database gets no password of our environment: the server outlives us and keeps what it got', async () => {
  vi.stubEnv('OS_PASSWORD', 'hunter2');
  vi.stubEnv('NODEPOOL_SECRET', 'hunter2');
  const env = { path: '/usr/bin/env', args: [], cwd: '/', env: { PGDATA: '/data' }, deadlineMs: 30_000 };

  const { code, output } = await runProgram(env, { clock: systemClock }, neverAborted);

  expect(code).toBe(0);
  expect(output).not.toContain('hunter2');
  expect(output).toMatch(/^PATH=/m);
  expect(output).toMatch(/^PGDATA=\/data$/m);
});
