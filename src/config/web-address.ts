/** Why a text is not the address of an HTTP server; undefined: it is one. What may hold a password is not shown. */
export function webAddressFault(text: string, example: string): string | undefined {
  if (/^https?:[/][/][^/]/i.test(text) && URL.canParse(text)) return undefined;
  return `Expected an address such as "${example}"${text.includes('@') ? '' : `, found "${text}"`}`;
}
