/** A logging.conf that Python refuses too, and with which nothing at all would be logged. */
export class LoggingConfigError extends Error {
  override readonly name = 'LoggingConfigError';
  /** From 1; undefined: it lacks something as a whole. */
  readonly line: number | undefined;

  constructor(line: number | undefined, message: string) {
    super(message);
    this.line = line;
  }
}

type Reading = {
  readonly sections: Map<string, Map<string, string>>;
  section?: Map<string, string>;
  key?: string;
};

/**
 * Sections and options of a logging.conf (Python ConfigParser: `=` or `:`, `#` and `;` comments, indented lines go on).
 * @throws {LoggingConfigError} a line is neither, or stands before the first section
 */
export function readLoggingIni(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const reading: Reading = { sections: new Map() };
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (!/^\s*([#;]|$)/.test(line)) readLine({ text: line, number: index + 1 }, reading);
  }
  return reading.sections;
}

type Line = { readonly text: string; readonly number: number };

function readLine(line: Line, reading: Reading): void {
  const header = /^\[([^\]]+)\]/.exec(line.text)?.[1];
  if (header !== undefined) {
    reading.section = reading.sections.get(header) ?? new Map<string, string>();
    reading.sections.set(header, reading.section);
    delete reading.key;
    return;
  }
  if (/^\s/.test(line.text) && reading.key !== undefined) continueValue(line.text.trim(), reading);
  else beginValue(line, reading);
}

function continueValue(text: string, { section, key }: Reading): void {
  if (key !== undefined) section?.set(key, `${section.get(key) ?? ''}\n${text}`);
}

function beginValue({ text, number }: Line, reading: Reading): void {
  const at = text.search(/[=:]/);
  if (at < 1) throw new LoggingConfigError(number, 'this is neither "[section]" nor "option = value"');
  if (reading.section === undefined) throw new LoggingConfigError(number, 'an option stands before the first section');
  reading.key = text.slice(0, at).trim().toLowerCase();
  reading.section.set(reading.key, text.slice(at + 1).trim());
}
