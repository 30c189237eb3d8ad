import { Lexer, LineCounter, parseDocument, Scalar, visit } from 'yaml';
import type { Node } from 'yaml';
import type { FaultReport } from '../fault-report.ts';
import { buildTree } from './build-tree.ts';
import { describeSyntaxError, positionOf, TOO_DEEP } from './syntax-fault.ts';
import type { YamlSyntaxError, YamlText } from './syntax-fault.ts';
import type { YamlNode } from './yaml-node.ts';

/** Far above any real file (the largest known has 40 KiB). */
const MAX_CHARACTERS = 8 * 1024 * 1024;

/** The parser needs up to 40 µs for each, and nothing else happens meanwhile. The largest known file has 12,000. */
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
    reportSyntax(document, yaml, report);
    return undefined;
  }
  return buildTree(document.contents, yaml, report);
}

type ParsedDocument = { readonly errors: readonly YamlSyntaxError[]; readonly contents: Node | null };

/** Where the mistake was made: of a quote that is never closed, where it was opened. */
function causeOf(error: YamlSyntaxError, { contents }: ParsedDocument): number {
  let cause = error.pos[0];
  if (error.code !== 'MISSING_CHAR' || !error.message.includes('quote')) return cause;
  visit(contents, {
    Scalar: (_, { type, range }) => {
      if (type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE) cause = range?.[0] ?? cause;
    },
  });
  return cause;
}

/** The first error only: what follows is the parser finding its way back, and goes when that one is mended. */
function reportSyntax(document: ParsedDocument, yaml: YamlText, report: FaultReport): void {
  const [first] = document.errors;
  if (first !== undefined) report.fault(positionOf(yaml, causeOf(first, document)), [], describeSyntaxError(first));
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
  if (text.length < MAX_TOKENS / 4) return false; // to count takes a third of the time of reading, and most files are short
  const tokens = new Lexer().lex(text);
  for (let count = 0; tokens.next().done !== true; count += 1) if (count >= MAX_TOKENS) return true;
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
