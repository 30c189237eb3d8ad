import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCaseFile } from '../../scripts/allocation-cases.ts';
import { checkAllocationCase } from '../../scripts/check-allocation-case.ts';

const FIXTURE = 'test/fixtures/allocation/cases.json';
const RUNNER_TIMEOUT_MS = 30_000; // starts Node and bundles

const cases = parseCaseFile(readFileSync(FIXTURE, 'utf8')).map((raw, index) => checkAllocationCase(raw, index + 1));

test.each(cases)('gives what upstream gives (or its corrected result) in $name', ({ outcome, reason }) => {
  expect({ outcome, reason }).toEqual({ outcome: 'matched', reason: '' });
});

describe('a case', () => {
  const row = { label: 'l', provider: 'p', target: 't', count: 2 };
  const aCase = {
    name: 'two',
    kind: 'allocate',
    input: {
      providers: [{ name: 'p', available: 9 }],
      targets: [{ name: 't' }],
      labels: [{ name: 'l', requested: 2, subnodes: 0, providers: ['p'], current: {} }],
      history: [],
    },
    expected: { rounds: [[row]] },
  };

  test('is held to the corrected result where it has one', () => {
    const corrected = { ...aCase, expectedCorrected: { rounds: [[{ ...row, count: 3 }]] } };

    expect(checkAllocationCase(corrected, 1).reason).toBe('round 1 of ["l","p","t"]: expected 3, got 2');
  });

  test('that expects nothing is run and counts as neither', () => {
    expect(checkAllocationCase({ ...aCase, expected: undefined }, 1).outcome).toBe('ran');
  });

  test('that is malformed is a mismatch with the place of the fault', () => {
    const outcome = checkAllocationCase({ ...aCase, input: { ...aCase.input, targets: [{}] } }, 1);

    expect(outcome).toMatchObject({ name: 'two', outcome: 'mismatched' });
    expect(outcome.reason).toContain('input.targets.0.name');
  });

  test('may use names that every object has', () => {
    const input = {
      ...aCase.input,
      labels: [{ ...aCase.input.labels[0], name: '__proto__', requested: 1 }],
      history: [Object.fromEntries([['__proto__', { requested: 1, granted: 0 }]])],
    };
    const rounds = [[{ ...row, label: '__proto__', count: 1 }]];

    expect(checkAllocationCase({ ...aCase, input, expected: { rounds } }, 1).outcome).toBe('matched');
  });
});

describe('the runner', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cases-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test(
    'says how many cases match, and exits 0 if all do',
    async () => {
      expect(await runCases(FIXTURE)).toEqual({ status: 0, output: `${cases.length} matched, 0 mismatched\n` });
    },
    RUNNER_TIMEOUT_MS,
  );

  test(
    'prints a line per mismatch and exits 1',
    async () => {
      const file = join(folder, 'mismatch.json');
      await writeFile(file, JSON.stringify({ format: 'allocation-cases/1', cases: [{ name: 'odd', kind: 'other' }] }));

      const { status, output } = await runCases(file);

      expect(status).toBe(1);
      expect(output).toMatch(/^mismatch odd: malformed case: .*\n0 matched, 1 mismatched\n$/);
    },
    RUNNER_TIMEOUT_MS,
  );

  test(
    'says in one line what is wrong with a file that is none of cases',
    async () => {
      const file = join(folder, 'bad.json');
      await writeFile(file, '{"format": "something/1"');

      const { status, output } = await runCases(file);

      expect(status).toBe(1);
      expect(output).toMatch(/^Cannot use ".*bad[.]json": Not JSON: .*\n$/);
    },
    RUNNER_TIMEOUT_MS,
  );
});

function runCases(file: string): Promise<{ status: unknown; output: string }> {
  return new Promise((resolve) => {
    const args = ['scripts/run-ts.js', 'scripts/allocate-cases.ts', file];
    const env = { ...process.env, INIT_CWD: process.cwd() };
    execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : error.code, output: stdout + stderr });
    });
  });
}
