import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigFault } from '../src/config/config-fault.ts';
import { formatFault } from '../src/config/config-fault.ts';
import { parseConfig } from '../src/config/parse-config.ts';

/** A verdict of an INDEX.txt: the word, then what it says about places and keys. */
type Verdict = { readonly file: string; readonly word: 'VALID' | 'WARNINGS' | 'INVALID'; readonly detail: string };

export type VerdictCount = { readonly matched: number; readonly mismatches: readonly string[] };

/**
 * Compares what the parser says about every file of a folder with the verdicts of its INDEX.txt: paragraphs that begin
 * with `FILE | …` and end with `VALID`, `WARNINGS: …` (all of them) or `INVALID: …`. Lines, columns, the number of
 * warnings and the keys that a verdict names must be found.
 */
export async function checkVerdicts(folder: string): Promise<VerdictCount> {
  const verdicts = readIndex(await readFile(join(folder, 'INDEX.txt'), 'utf8'));
  const mismatches: string[] = [];
  for (const verdict of verdicts) {
    const text = await readFile(join(folder, verdict.file), 'utf8');
    const { faults, warnings } = parseConfig({ yaml: { path: verdict.file, text }, environment: {} });
    const complaint = compare(verdict, faults, warnings);
    if (complaint === undefined) continue;
    const found = [...faults, ...warnings].map((fault) => `\n    ${formatFault(fault)}`).join('');
    mismatches.push(`${verdict.file}: ${complaint}${found}`);
  }
  return { matched: verdicts.length - mismatches.length, mismatches };
}

function readIndex(text: string): readonly Verdict[] {
  return text.split(/\n\s*\n/).flatMap((paragraph) => {
    const [, file] = /^(\S+[.]ya?ml) [|]/.exec(paragraph) ?? [];
    const [, word, detail = ''] = /^\s+(VALID|WARNINGS|INVALID)(?:: (.*))?$/m.exec(paragraph) ?? [];
    if (file === undefined || (word !== 'VALID' && word !== 'WARNINGS' && word !== 'INVALID')) return [];
    return [{ file, word, detail }];
  });
}

function compare(
  verdict: Verdict,
  faults: readonly ConfigFault[],
  warnings: readonly ConfigFault[],
): string | undefined {
  const word = faults.length > 0 ? 'INVALID' : warnings.length > 0 ? 'WARNINGS' : 'VALID';
  if (word !== verdict.word) return `Expected ${verdict.word}, found ${word}`;
  const all = [...faults, ...warnings];
  const missed = placesIn(verdict.detail).find((place) => !all.some((fault) => isAt(fault, place)));
  if (missed !== undefined) return `Expected something about line ${missed.line}`;
  return word === 'WARNINGS' ? compareWarnings(verdict.detail, warnings) : undefined;
}

/** A WARNINGS verdict lists all warnings: each must be named, and their number must be right if it is given. */
function compareWarnings(detail: string, warnings: readonly ConfigFault[]): string | undefined {
  const [, number] = /^(\d+),/.exec(detail) ?? [];
  if (number !== undefined && Number(number) !== warnings.length) {
    return `Expected ${number} warnings, found ${warnings.length}`;
  }
  const unnamed = warnings.find((warning) => !isNamed(warning, detail));
  if (unnamed !== undefined) return `Unexpected warning about ${unnamed.path}`;
  const unfound = keysIn(detail).find((key) => !warnings.some((warning) => pathPattern(key).test(warning.path)));
  return unfound === undefined ? undefined : `Expected a warning about ${unfound}`;
}

function isNamed(warning: ConfigFault, detail: string): boolean {
  const last =
    warning.path
      .split('.')
      .at(-1)
      ?.replaceAll(/\[\d*\]/g, '') ?? '';
  return (
    detail.split(/[^A-Za-z0-9_-]+/).includes(last) || keysIn(detail).some((key) => pathPattern(key).test(warning.path))
  );
}

/** Paths such as `targets[].images` or `cron.update-image`. */
function keysIn(detail: string): readonly string[] {
  return [...detail.matchAll(/(?<![\w./])[a-z-]+(?:\[\d*\])?(?:[.][A-Za-z_-]+(?:\[\d*\])?)+/g)].map(([key]) => key);
}

/** `[]` stands for any index, `X` for any key. */
function pathPattern(key: string): RegExp {
  const pattern = key
    .replaceAll('.', '[.]')
    .replaceAll(/\[(\d*)\]/g, (_, index: string) => (index === '' ? '\\[\\d+\\]' : `\\[${index}\\]`))
    .replaceAll(/\bX\b/g, '[^.]+');
  return new RegExp(`^${pattern}$`);
}

type Place = { readonly line: number; readonly column?: number };

function placesIn(detail: string): readonly Place[] {
  return [...detail.matchAll(/\bline (\d+)(?: column (\d+))?/g)]
    .filter((match) => !detail.slice(0, match.index).endsWith('begun in '))
    .map(([, line, column]) => ({ line: Number(line), ...(column === undefined ? {} : { column: Number(column) }) }));
}

/** A second line may stand in the message, such as that of the earlier one of two equal keys. */
function isAt(fault: ConfigFault, { line, column }: Place): boolean {
  if (fault.line === line) return column === undefined || fault.column === column;
  return column === undefined && new RegExp(`line ${line}\\b`).test(fault.message);
}
