import { Lexer, LineCounter, parseDocument } from 'yaml';
import type { FaultReport } from '../fault-report.ts';
import { buildTree } from './build-tree.ts';
import { describeSyntaxError, positionOf, TOO_DEEP } from './syntax-fault.ts';
import type { YamlSyntaxError, YamlText } from './syntax-fault.ts';
import type { YamlNode } from './yaml-node.ts';

/** Far above any real file (the largest known has 40 KiB). */
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** The parser needs up to 40 µs for each, and nothing else happens meanwhile. The largest known file has 20,000. */
const MAX_TOKENS = 200_000;

/** Brackets opened and not closed; the parser's work grows with it. */
const MAX_OPEN_BRACKETS = 1000;

// PyYAML, reader.py: everything else is refused there too.
// eslint-disable-next-line no-control-regex -- control characters are what this looks for
const NOT_PRINTABLE = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/;

/** Reads a file as PyYAML would (YAML 1.1, one document), but refuses duplicate keys. Undefined: faults were reported. */
export function readYaml(
  source: { readonly path: string; readonly text: string },
  report: FaultReport,
): YamlNode | undefined {
  const yaml: YamlText = { file: source.path, text: source.text, lines: new LineCounter() };
  const refusal = refuse(source.text);
  if (refusal !== undefined) {
    report.fault({ file: source.path, ...refusal.place }, [], refusal.message);
    return undefined;
  }
  try {
    return parse(yaml, report);
  } catch (error) {
    // The parser recurses; what it cannot hold no operator has written.
    if (!(error instanceof RangeError)) throw error;
    report.fault({ file: source.path, line: 1, column: 1 }, [], TOO_DEEP);
    return undefined;
  }
}

function parse(yaml: YamlText, report: FaultReport): YamlNode | undefined {
  const document = parseDocument(yaml.text, {
    // Scalars, merge keys, aliases and duplicate keys are ours: the library's 1.1 schema differs from PyYAML (`y` is true).
    schema: 'failsafe',
    version: '1.1',
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
    lineCounter: yaml.lines,
  });
  if (document.errors.length > 0) {
    reportSyntax(document.errors, yaml, report);
    return undefined;
  }
  return buildTree(document.contents, yaml, report);
}

/** One fault for each line: what follows on the same line is the parser finding its way back. */
function reportSyntax(errors: readonly YamlSyntaxError[], yaml: YamlText, report: FaultReport): void {
  const seen = new Set<number>();
  for (const error of errors) {
    const at = positionOf(yaml, error.pos[0]);
    if (!seen.has(at.line)) report.fault(at, [], describeSyntaxError(error));
    seen.add(at.line);
  }
}

function refuse(text: string) {
  const place = { line: 1, column: 1 };
  if (text.length > MAX_CHARACTERS) return { place, message: 'The file is larger than 8 MiB' };
  if (openBrackets(text) > MAX_OPEN_BRACKETS) return { place, message: TOO_DEEP };
  const odd = NOT_PRINTABLE.exec(text);
  if (odd !== null) return describeOdd(text, odd);
  return hasTooManyTokens(text)
    ? { place, message: `The file has more than ${MAX_TOKENS} words and signs` }
    : undefined;
}

function describeOdd(text: string, odd: RegExpExecArray) {
  const before = text.slice(0, odd.index).split('\n');
  const place = { line: before.length, column: (before.at(-1) ?? '').length + 1 };
  const code = odd[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  return { place, message: `Unexpected control character U+${code}` };
}

function hasTooManyTokens(text: string): boolean {
  let count = 0;
  for (const _token of new Lexer().lex(text)) {
    count += 1;
    if (count > MAX_TOKENS) return true;
  }
  return false;
}

/** The deepest run of opened brackets, wherever they stand: a bound, not a parse. */
function openBrackets(text: string): number {
  let open = 0;
  let most = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open = bracket === '[' || bracket === '{' ? open + 1 : Math.max(0, open - 1);
    most = Math.max(most, open);
  }
  return most;
}
