import { readFileSync } from 'node:fs';

/** One thing that was sent in the recorded conversations with gearmand 1.1.20 and geard 0.13. */
export type Step = {
  /** Number of the recorded case. */
  readonly case: number;
  readonly line: string;
  /** `client`, `client2`, `worker`, `worker2` or `admin` */
  readonly who: string;
  /** `>` to the server, `<` from it */
  readonly direction: string;
  /** Packet type by name; undefined for text. */
  readonly type: string | undefined;
  /** The fields as recorded, as many as were sent. */
  readonly fields: readonly string[];
  readonly bytes: Buffer;
};

/** All steps of the recording, in order; bytes are checked against the recorded hex. */
export function readTranscript(): readonly Step[] {
  const text = readFileSync(new URL('../fixtures/gearman/transcript.txt', import.meta.url), 'utf8');
  return text.split(/^### /m).slice(1).flatMap(readCase);
}

/** A step is its lines (an answer in text has several) and then a line of hex, indented by six blanks. */
function readCase(text: string): readonly Step[] {
  const steps: Step[] = [];
  const number = Number(/^\d+/.exec(text)?.[0]);
  for (const match of text.matchAll(/((?:^\w+ [<>] (?!\().*\n)+)^ {6}([0-9a-f ]*)/gm)) {
    const lines = (match[1] ?? '').slice(0, -1).split('\n');
    const hex = (match[2] ?? '').replaceAll(' ', '');
    steps.push(readStep(lines, { number, hex }));
  }
  return steps;
}

function readStep(lines: readonly string[], at: { readonly number: number; readonly hex: string }): Step {
  const [line = ''] = lines;
  const [who = '', direction = ''] = line.split(' ');
  const [, type, code, fields = ''] = /^\w+ [<>] ([A-Z_]+)\((\d+)\) (.*)$/.exec(line) ?? [];
  const words = lines.map((one) => one.replace(/^\w+ [<>] (text|raw) /, '')).join('');
  const bytes = type === undefined ? unescape(words) : frame(at.hex, Number(code), fields);
  if (!bytes.toString('hex').startsWith(at.hex)) throw new Error(`Case ${at.number}: "${line}" is not its bytes`);
  return { case: at.number, line, who, direction, type, fields: fields.split('<NUL>'), bytes };
}

/** The bytes that came from the server in one case, for one connection, in order. */
export function received(number: number, who: string, types: readonly string[]): readonly Buffer[] {
  const wanted = (step: Step): boolean => step.case === number && step.who === who && step.direction === '<';
  return readTranscript()
    .filter((step) => wanted(step) && types.includes(step.type ?? 'text'))
    .map((step) => step.bytes);
}

/** The only bytes of a case that one connection sent as this type, told apart by a text in them. */
export function sent(number: number, who: string, what: { readonly type: string; readonly holding?: string }): Buffer {
  const found = readTranscript().find(
    (step) =>
      step.case === number &&
      step.who === who &&
      step.direction === '>' &&
      (step.type ?? 'text') === what.type &&
      step.bytes.includes(what.holding ?? ''),
  );
  if (found === undefined) throw new Error(`Case ${number} has no ${what.type} of ${who}`);
  return found.bytes;
}

function frame(hex: string, number: number, fields: string): Buffer {
  const data = unescape(fields);
  const header = Buffer.alloc(12);
  header.set(Buffer.from(hex.slice(0, 8), 'hex'));
  header.writeUInt32BE(number, 4);
  header.writeUInt32BE(data.length, 8);
  return Buffer.concat([header, data]);
}

function unescape(text: string): Buffer {
  const bytes: Record<string, string> = { '<NUL>': '\0', '<TAB>': '\t', '<LF>': '\n', '<CR>': '\r' };
  return Buffer.from(text.replaceAll(/<(NUL|TAB|LF|CR)>/g, (name) => bytes[name] ?? name));
}
