import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export type LogFolder = {
  readonly pathOf: (name: string) => string;
  /** The lines of a file, without the last line end. */
  readonly lines: (name: string) => readonly string[];
};

/** A folder for log files, removed when the test ends. */
export function aLogFolder(): LogFolder {
  const folder = mkdtempSync(join(tmpdir(), 'nodepool-logging-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  const pathOf = (name: string): string => join(folder, name);
  return { pathOf, lines: (name) => readFileSync(pathOf(name), 'utf8').trimEnd().split('\n') };
}
