type Showing = {
  readonly example: string;
  /** Of a file of secrets: the text is not shown at all. */
  readonly isSecret?: boolean;
};

/** Why a text is not the address of an HTTP server; undefined: it is one. What may hold a password is not shown. */
export function webAddressFault(text: string, { example, isSecret = false }: Showing): string | undefined {
  if (/^https?:[/][/][^/]/i.test(text) && URL.canParse(text)) return undefined;
  return `Expected an address such as "${example}"${isSecret || text.includes('@') ? '' : `, found "${text}"`}`;
}
