import { StringDecoder } from 'node:string_decoder';
import { ProtocolError } from '../runtime/errors.ts';

const MAX_LINE_CHARS = 1024 * 1024;

/** Turns the bytes of one connection, cut or joined anywhere, into lines of UTF-8 text without LF or CRLF. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  #rest: string[] = [];
  #restChars = 0;

  /**
   * The lines that `bytes` complete.
   * @throws {ProtocolError} a line is longer than a million characters
   */
  push(bytes: Buffer): readonly string[] {
    const lines: string[] = [];
    const pieces = this.#decoder.write(bytes).split('\n');
    for (const piece of pieces.slice(0, -1)) {
      lines.push([...this.#rest, piece].join('').replace(/\r$/, ''));
      this.#rest = [];
      this.#restChars = 0;
    }
    const rest = pieces.at(-1) ?? '';
    if (rest !== '') this.#rest.push(rest);
    this.#restChars += rest.length;
    if (this.#restChars > MAX_LINE_CHARS) throw new ProtocolError('Cannot read line: it does not end');
    return lines;
  }
}
