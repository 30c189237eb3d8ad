/** A name (`sys.stdout`) comes as its text. */
export type PythonValue = string | number | boolean | undefined;

const TOKEN = /\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^,()\s]+))\s*(?:,|$)/y;

/**
 * The values of a flat Python tuple as logging.conf writes it: `('/var/log/x.log', 'midnight', 1, 30)`.
 * @throws {Error} it is something else
 */
export function parsePythonTuple(text: string): readonly PythonValue[] {
  const inner = /^\s*[([]([^]*)[)\]]\s*$/.exec(text)?.[1]?.trim();
  if (inner === undefined) throw new Error(`args ${JSON.stringify(text)} are not a tuple`);
  const values: PythonValue[] = [];
  for (TOKEN.lastIndex = 0; TOKEN.lastIndex < inner.length;) {
    const match = TOKEN.exec(inner);
    if (match === null) throw new Error(`args ${JSON.stringify(text)} are not a flat tuple`);
    const [, single, double, bare = ''] = match;
    values.push(single ?? double ?? bareValue(bare));
  }
  return values;
}

function bareValue(text: string): PythonValue {
  if (text === 'None') return undefined;
  if (text === 'True' || text === 'False') return text === 'True';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
