import { systemClock } from '../../../src/runtime/clock.ts';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

/**
 * One line per test with the seconds since the start, for runs that last minutes; each failure, and what tests note, in
 * full at its place.
 */
export class ElapsedReporter implements Reporter {
  readonly #startedMs: number;

  /** @param beforeS seconds that whoever started this run had worked before */
  constructor(beforeS: number) {
    this.#startedMs = systemClock.monotonicMs() - beforeS * 1000;
  }

  onTestModuleStart(module: TestModule): void {
    this.#print(module.relativeModuleId);
  }

  onTestCaseAnnotate(_test: TestCase, { message }: { readonly message: string }): void {
    this.#print(`    ${message}`);
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors = [] } = test.result();
    const seconds = ((test.diagnostic()?.duration ?? 0) / 1000).toFixed(1);
    this.#print(`  ${state} (${seconds} s) ${test.fullName}`);
    for (const error of errors) this.#explain(error);
  }

  onTestModuleEnd(module: TestModule): void {
    for (const error of module.errors()) this.#explain(error);
  }

  onTestRunEnd(_modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    for (const error of errors) this.#explain(error);
  }

  #explain(error: { readonly message: string; readonly stack?: string; readonly diff?: string }): void {
    this.#print(error.message);
    const places = (error.stack ?? '').split('\n').filter((line) => line.includes('/test/'));
    for (const text of [...places, error.diff]) if (text !== undefined) this.#print(text);
  }

  #print(text: string): void {
    const seconds = Math.round((systemClock.monotonicMs() - this.#startedMs) / 1000);
    process.stdout.write(`[${String(seconds).padStart(3)} s] ${text}\n`);
  }
}
