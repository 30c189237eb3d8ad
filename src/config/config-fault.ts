/** A place in a file; line and column count from 1. */
export type Position = { readonly file: string; readonly line: number; readonly column: number };

/** One complaint about the configuration. `path` is the key, such as `providers[0].max-servers`; empty: the file as a whole. */
export type ConfigFault = Position & { readonly path: string; readonly message: string };

/** The operator must mend the configuration: at start print all issues and exit 2, at reload keep the last good one. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly issues: readonly ConfigFault[];

  constructor(issues: readonly ConfigFault[]) {
    super(issues.map(formatFault).join('\n'));
    this.issues = issues;
  }
}

/** One line: `FILE:LINE:COLUMN: PATH: MESSAGE`. */
export function formatFault(fault: ConfigFault): string {
  const place = `${fault.file}:${fault.line}:${fault.column}`;
  return fault.path === '' ? `${place}: ${fault.message}` : `${place}: ${fault.path}: ${fault.message}`;
}

/** Keys and list indexes from the top of a file. */
export type KeyPath = readonly (string | number)[];

/** `['providers', 0, 'max-servers']` as `providers[0].max-servers`. */
export function formatPath(path: KeyPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^[.]/, '');
}
