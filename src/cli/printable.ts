// Control characters, but no newline; and those that turn the direction of text or end a line in some terminals.
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu; // eslint-disable-line no-control-regex -- they are what is looked for
const SHORT: Readonly<Record<string, string>> = { '\t': '\\t', '\r': '\\r' };

/**
 * Text that may go to a terminal: what would move the cursor, change colours or break a table shows as `\x1b` or `\u202e`.
 * Names and comments come from clouds, scripts and other people. Newlines stay.
 */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (letter) => SHORT[letter] ?? codeOf(letter.charCodeAt(0)));
}

function codeOf(code: number): string {
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
