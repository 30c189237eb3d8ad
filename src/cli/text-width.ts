// East Asian letters take two columns of a terminal. These are the ranges that PrettyTable 0.7 knows.
const WIDE = /[\u3000-\u303e\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af\uff01-\uff60]/u;
const NOT_PLAIN = /[^ -~]/;
const COMBINING = /\p{Mn}/u;

/** ASCII without control characters, as nearly all text is: it takes one column for each letter. */
export function isPlain(text: string): boolean {
  return !NOT_PLAIN.test(text);
}

/** How many columns of a terminal a printable line takes (PrettyTable 0.7: _str_block_width). */
export function textWidth(line: string): number {
  if (isPlain(line)) return line.length;
  let width = 0;
  for (const letter of line) {
    if (WIDE.test(letter)) width += 2;
    else if (!COMBINING.test(letter)) width += 1;
  }
  return width;
}
