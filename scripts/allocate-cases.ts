// Compares the allocator with a file of cases: `npm run -s allocate-cases -- FILE`.
// Exit status: 0 all matched, 1 a mismatch or no case file, 2 no readable file.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describeError } from '../src/runtime/errors.ts';
import { parseCaseFile } from './allocation-cases.ts';
import { checkAllocationCase } from './check-allocation-case.ts';

async function main(file: string | undefined): Promise<number> {
  if (file === undefined) return fail('Usage: npm run -s allocate-cases -- FILE', 2);
  // npm runs scripts in the package's folder; a relative path is meant from where the user stands.
  const path = resolve(process.env['INIT_CWD'] ?? '.', file);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return fail(`Cannot read "${file}": ${describeError(error)}`, 2);
  }
  try {
    return check(parseCaseFile(text));
  } catch (error) {
    return fail(`Cannot use "${file}": ${describeError(error)}`, 1);
  }
}

function check(cases: readonly unknown[]): number {
  const outcomes = cases.map((raw, index) => checkAllocationCase(raw, index + 1));
  const mismatches = outcomes.filter(({ outcome }) => outcome === 'mismatched');
  for (const { name, reason } of mismatches) process.stdout.write(`mismatch ${name}: ${reason}\n`);
  const matched = outcomes.filter(({ outcome }) => outcome === 'matched').length;
  process.stdout.write(`${matched} matched, ${mismatches.length} mismatched\n`);
  return mismatches.length > 0 ? 1 : 0;
}

function fail(message: string, status: number): number {
  process.stderr.write(`${message}\n`);
  return status;
}

process.exitCode = await main(process.argv[2]);
