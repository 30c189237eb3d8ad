import type { Position } from './config-fault.ts';
import type { ConfigText } from './config-sources.ts';
import type { FaultReport } from './fault-report.ts';

export type IniSection = {
  readonly name: string;
  readonly at: Position;
  /** Keys in lower case. */
  readonly options: ReadonlyMap<string, IniOption>;
};

export type IniOption = {
  readonly value: string;
  readonly at: Position;
  /** The key as the file spells it. */
  readonly spelling: string;
};

type OpenSection = { readonly name: string; readonly at: Position; readonly options: Map<string, IniOption> };

/**
 * Sections of an INI file as Python's ConfigParser reads it: `=` or `:`, `#` and `;` begin comments, indented lines go
 * on with the value before. Values may stand in quotes; `%%` is `%`, and a lone `%` is itself. The same section twice
 * is one section; the same key twice in it is a fault, because one of the two values would be lost.
 */
export function readIni(source: ConfigText, report: FaultReport): readonly IniSection[] {
  const reader = new IniReader(source.path, report);
  source.text.split(/\r\n|\r|\n/).forEach((line, index) => {
    reader.read(line, index + 1);
  });
  return reader.sections;
}

class IniReader {
  readonly #file: string;
  readonly #report: FaultReport;
  readonly #sections = new Map<string, OpenSection>();
  #section: OpenSection | undefined;
  #key: string | undefined;

  constructor(file: string, report: FaultReport) {
    this.#file = file;
    this.#report = report;
  }

  get sections(): readonly IniSection[] {
    return [...this.#sections.values()];
  }

  read(line: string, number: number): void {
    const text = line.trim();
    if (text === '' || /^[#;]/.test(text)) return;
    const at = { file: this.#file, line: number, column: line.length - line.trimStart().length + 1 };
    const isIndented = at.column > 1;
    const header = /^\[([^\]]+)\]/.exec(text)?.[1];
    if (isIndented && this.#key !== undefined) this.#continue(text);
    else if (header !== undefined) this.#open(header.trim(), at);
    else this.#option(text, at);
  }

  #open(name: string, at: Position): void {
    this.#key = undefined;
    this.#section = this.#sections.get(name) ?? { name, at, options: new Map() };
    this.#sections.set(name, this.#section);
  }

  #option(text: string, at: Position): void {
    const [, name, raw = ''] = splitOption(text);
    if (name === undefined) {
      // The text itself is not shown: it may be half of a password.
      this.#report.fault(at, [], 'Expected "[section]" or "key = value"');
    } else if (this.#section === undefined) {
      this.#report.fault(at, [name], `Key "${name}" stands before the first section`);
    } else {
      this.#store(this.#section, { spelling: name, raw, at });
    }
  }

  #store(section: OpenSection, option: { spelling: string; raw: string; at: Position }): void {
    const { spelling, raw, at } = option;
    const key = spelling.toLowerCase();
    const earlier = section.options.get(key);
    if (earlier !== undefined) {
      const message = `Key "${key}" in line ${at.line} was already given in line ${earlier.at.line}`;
      this.#report.fault(at, [section.name, key], message);
    }
    section.options.set(key, { value: valueOf(raw), at, spelling });
    this.#key = key;
  }

  #continue(text: string): void {
    const option = this.#section?.options.get(this.#key ?? '');
    if (this.#section === undefined || this.#key === undefined || option === undefined) return;
    this.#section.options.set(this.#key, { ...option, value: `${option.value}\n${valueOf(text)}` });
  }
}

/** The whole, the name and the value. Not one expression: it would try each of many blanks as the name's end. */
function splitOption(text: string): readonly (string | undefined)[] {
  const at = text.search(/[:=]/);
  return at < 1 ? [] : [text, text.slice(0, at).trimEnd(), text.slice(at + 1).trimStart()];
}

function valueOf(raw: string): string {
  const quoted = /^(['"])(.*)\1\s*(?:[;#].*)?$/.exec(raw)?.[2];
  // Python 2, under which upstream ran: a semicolon after a blank begins a comment.
  const bare = quoted ?? raw.replace(/\s;.*$/, '').trim();
  return bare.replaceAll('%%', '%');
}
