import { execa } from 'execa';
import { expect, test } from 'vitest';

/** A farm of its own, some short faults, and the way back from each. */
const FAULTS_MS = 300_000;

async function faults(
  ...words: readonly string[]
): Promise<{ readonly status: number | undefined; readonly said: string }> {
  const { exitCode, all } = await execa(process.execPath, ['scripts/run-ts.js', 'faults/faults.ts', ...words], {
    ...{ all: true, reject: false, stdin: 'ignore', timeout: FAULTS_MS },
  });
  return { status: exitCode, said: all };
}

test(
  'a built daemon gets over a peer that is cut, hangs or talks nonsense, and serves all that does not need it meanwhile',
  async () => {
    const combinations = ['postgres:cut', 'jenkins:hang', 'nova:5xx'].flatMap((each) => ['--fault', each]);

    const { status, said } = await faults('--seconds', '5', ...combinations);

    expect(said).toMatch(/^3 faults, \d+ jobs, 0 broken$/m);
    expect(status).toBe(0);
  },
  FAULTS_MS,
);

test('names a peer that does not exist and lists those that do', async () => {
  const { status, said } = await faults('--peer', 'nobody');

  expect(status).toBe(2);
  expect(said).toMatch(/^faults: There is no peer "nobody"\nUsage: [\s\S]*zeromq/);
}, 30_000);
