/** A name (`sys.stdout`) comes as its text; a tuple holds no further one. */
export type PythonValue = string | number | boolean | undefined | readonly PythonValue[];

const TOKEN =
  /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\((?:[^()'"\\]|'[^'\\]*'|"[^"\\]*")*\))|([^,()\s]+))\s*(?:,|$)/y;

/**
 * The values of a Python tuple as logging.conf writes it: `('/var/log/x.log', 'midnight', 1, 30)`, `(('localhost', 514),)`.
 * @throws {Error} it is something else
 */
export function parsePythonTuple(text: string): readonly PythonValue[] {
  const inner = /^\s*[([]([^]*)[)\]]\s*$/.exec(text)?.[1]?.trim();
  if (inner === undefined) throw new Error(`args ${JSON.stringify(text)} are not a tuple`);
  const values: PythonValue[] = [];
  const token = new RegExp(TOKEN); // its own place in the text, for a tuple in here has another
  while (token.lastIndex < inner.length) {
    const match = token.exec(inner);
    if (match === null) throw new Error(`args ${JSON.stringify(text)} are not a plain tuple`);
    const [, single, double, tuple, bare = ''] = match;
    values.push(single ?? double ?? (tuple === undefined ? bareValue(bare) : parsePythonTuple(tuple)));
  }
  return values;
}

function bareValue(text: string): PythonValue {
  if (text === 'None') return undefined;
  if (text === 'True' || text === 'False') return text === 'True';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
