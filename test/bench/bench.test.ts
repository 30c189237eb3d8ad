import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, watch } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { atLeast, lessThan, noted } from '../../bench/measurement.ts';
import { measurementTable, missesBudget } from '../../bench/measurement-table.ts';

const BOOT_MS = 60_000;

test(
  'measures a topic, prints its table and leaves nothing behind, so that the bench does not rot',
  async () => {
    await using bench = await Bench.start(['--tiny', 'allocation']);

    const status = await bench.ended;

    expect(bench.stderr).toBe('');
    expect(status).toBe(0);
    expect(bench.stdout).toMatch(/^\| pure part +\| [\d.]+ ms CPU +\| < 15 ms CPU \|/m);
    expect(bench.leftovers()).toEqual([]);
  },
  BOOT_MS,
);

test(
  'ends its database and folders when it is interrupted, so that it may be stopped at any moment',
  async () => {
    await using bench = await Bench.start(['allocation']);
    await bench.untilFolder('np-bench-', { butNot: 'np-bench-log-' });

    bench.interrupt();

    expect(await bench.ended).toBe(130);
    expect(bench.leftovers()).toEqual([]);
  },
  BOOT_MS,
);

test(
  'names a topic that does not exist and lists those that do',
  async () => {
    await using bench = await Bench.start(['nonsense']);

    expect(await bench.ended).toBe(2);
    expect(bench.stderr).toMatch(/^bench: There is no topic "nonsense"\nUsage: [\s\S]*^ {2}allocation /m);
  },
  BOOT_MS,
);

test('judges several runs by their median, because one run may meet a busy machine', () => {
  const runs = [120, 90, 95].map((value) => [lessThan(100, { what: 'a pass', value, unit: 'ms' })]);

  expect(missesBudget(runs)).toBe(false);
  expect(measurementTable(runs, 'full')).toContain('| a pass | 90 ms | 95 ms  | 120 ms | < 100 ms | met     |');
});

test('says where a budget is missed', () => {
  const run = [atLeast(100, { what: 'events', value: 99, unit: '/s' }), noted({ what: '  CPU', value: 3, unit: 'ms' })];

  expect(missesBudget([run])).toBe(true);
  expect(measurementTable([run], 'full')).toMatch(
    /\| events \| 99 \/s +\| ≥ 100 \/s \| MISSED +\|\n\| {3}CPU +\| 3 ms/,
  );
});

/** The bench as a process, with a folder of its own for what is temporary. */
class Bench implements AsyncDisposable {
  stdout = '';
  stderr = '';
  readonly ended: Promise<number | null>;
  readonly #child;
  readonly #temporary: string;

  private constructor(words: readonly string[], temporary: string) {
    this.#temporary = temporary;
    this.#child = spawn(process.execPath, ['scripts/run-ts.js', 'bench/bench.ts', ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: temporary },
    });
    this.#child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.#child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.ended = once(this.#child, 'close').then(([status]) => (typeof status === 'number' ? status : null));
  }

  static async start(words: readonly string[]): Promise<Bench> {
    const temporary = mkdtempSync(join(tmpdir(), 'npb-')); // short: a unix socket path ends at 107 bytes
    await chmod(temporary, 0o755); // Postgres may run as another user, who must get through
    return new Bench(words, temporary);
  }

  leftovers(): readonly string[] {
    return readdirSync(this.#temporary);
  }

  async untilFolder(start: string, { butNot }: { readonly butNot: string }): Promise<void> {
    const isThere = (): boolean => this.leftovers().some((name) => name.startsWith(start) && !name.startsWith(butNot));
    const watcher = watch(this.#temporary);
    try {
      while (!isThere()) await once(watcher, 'change');
    } finally {
      watcher.close();
    }
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGTERM');
    await this.ended;
    rmSync(this.#temporary, { recursive: true, force: true });
  }
}
