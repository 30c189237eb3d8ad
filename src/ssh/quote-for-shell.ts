/** Needs no quotes in any POSIX shell, wherever it stands. */
const PLAIN_WORD = /^[\w@+:,./][\w@+:,./-]*$/;

/**
 * Quotes a text as one word of a POSIX shell: `$`, backquotes, quotes and line ends reach the program as they are.
 * @throws {Error} the text holds a NUL character, which no program argument can hold
 */
export function quoteForShell(text: string): string {
  if (text.includes('\0')) throw new Error('Cannot quote a text with a NUL character for the shell');
  return PLAIN_WORD.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
