import type { LineCounter, YAMLParseError } from 'yaml';
import type { Position } from '../config-fault.ts';

export type YamlText = { readonly file: string; readonly text: string; readonly lines: LineCounter };

/** The place of an offset; blanks before a token do not count, and neither do empty lines. */
export function positionOf(yaml: YamlText, offset: number): Position {
  let start = offset;
  const isLineBegin = offset === 0 || yaml.text[offset - 1] === '\n';
  while (yaml.text[start] === ' ' || (isLineBegin && yaml.text[start] === '\n')) start += 1;
  const { line, col } = yaml.lines.linePos(Math.min(start, yaml.text.length));
  return { file: yaml.file, line: Math.max(1, line), column: Math.max(1, col) };
}

export type YamlSyntaxError = Pick<YAMLParseError, 'code' | 'message' | 'pos'>;

export const TOO_DEEP = 'The file is nested too deeply';

const NO_VALUE = 'Expected "key: value"';
const LONGEST_MESSAGE = 200;

const MESSAGES: Readonly<Partial<Record<YAMLParseError['code'], string>>> = {
  TAB_AS_INDENT: 'A tab is used as indentation: use blanks',
  MULTILINE_IMPLICIT_KEY: NO_VALUE,
  // The parser's own words quote the tag and the directive, whose name may be what was meant as a password.
  TAG_RESOLVE_FAILED: 'Unknown tag: put a value that begins with "!" into quotes',
  BAD_DIRECTIVE: 'Unknown directive: a line must not begin with "%"',
  MULTIPLE_DOCS: 'Expected one document, found a second one',
};

/** What the syntax error means for the writer of the file. Never quotes the line: it may hold a password. */
export function describeSyntaxError(error: YamlSyntaxError): string {
  if (error.code === 'BLOCK_AS_IMPLICIT_KEY') {
    return error.message.includes('sequence')
      ? 'Wrong indentation: this list item stands under no item and no key of the lines above'
      : 'Unexpected ":": mend the indentation, or put the value into quotes';
  }
  if (error.code === 'MISSING_CHAR' && error.message.includes('quote')) return 'This quote is never closed';
  if (error.message.startsWith('Implicit map keys')) return NO_VALUE;
  if (error.code === 'BAD_INDENT') return `Wrong indentation: ${lowerFirst(error.message)}`;
  // The parser turns its own stack overflow into an error of the file.
  if (error.message.includes('call stack')) return TOO_DEEP;
  return MESSAGES[error.code] ?? withoutQuote(error.message).slice(0, LONGEST_MESSAGE);
}

/** The parser ends many messages with a piece of the file. */
function withoutQuote(message: string): string {
  return message.replace(/(?::|(?<=escape sequence)) .*$/s, '');
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
