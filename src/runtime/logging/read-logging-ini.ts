type Reading = {
  readonly sections: Map<string, Map<string, string>>;
  section?: Map<string, string>;
  key?: string;
};

/** Sections and options of a logging.conf (Python ConfigParser: `=` or `:`, `#` and `;` comments, indented lines go on). */
export function readLoggingIni(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const reading: Reading = { sections: new Map() };
  for (const line of text.split(/\r?\n/)) if (!/^\s*([#;]|$)/.test(line)) readLine(line, reading);
  return reading.sections;
}

function readLine(line: string, reading: Reading): void {
  const header = /^\[([^\]]+)\]/.exec(line)?.[1];
  if (header !== undefined) {
    reading.section = reading.sections.get(header) ?? new Map<string, string>();
    reading.sections.set(header, reading.section);
    delete reading.key;
    return;
  }
  if (/^\s/.test(line)) continueValue(line.trim(), reading);
  else beginValue(line, reading);
}

function continueValue(text: string, { section, key }: Reading): void {
  if (key !== undefined) section?.set(key, `${section.get(key) ?? ''}\n${text}`);
}

function beginValue(line: string, reading: Reading): void {
  const at = line.search(/[=:]/);
  if (at < 1) return;
  reading.key = line.slice(0, at).trimEnd().toLowerCase();
  reading.section?.set(reading.key, line.slice(at + 1).trim());
}
