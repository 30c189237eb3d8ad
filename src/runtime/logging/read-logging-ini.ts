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
  const [, name, value = ''] = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
  if (name === undefined) return;
  reading.key = name.toLowerCase();
  reading.section?.set(reading.key, value.trim());
}
