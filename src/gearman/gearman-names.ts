const MAX_FUNCTION_BYTES = 512;
const MAX_UNIQUE_BYTES = 63;
const MAX_CLIENT_ID_BYTES = 127;

/**
 * Refuses a function name that some server or its `status` cannot carry. Blanks are allowed.
 * @throws {RangeError} not 1 to 512 bytes, or it holds NUL, TAB, CR or LF
 */
export function assertFunctionName(name: string): void {
  assertLength(`function name "${name}"`, name, { min: 1, max: MAX_FUNCTION_BYTES });
  if (/[\0\t\r\n]/.test(name)) {
    throw new RangeError(`Cannot use function name ${JSON.stringify(name)}: it holds NUL, TAB, CR or LF`);
  }
}

/**
 * Refuses a unique id that gearmand would cut off or refuse.
 * @throws {RangeError} not 1 to 63 bytes, or it holds a NUL
 */
export function assertUniqueId(unique: string): void {
  assertLength(`unique id "${unique}"`, unique, { min: 1, max: MAX_UNIQUE_BYTES });
  if (unique.includes('\0')) throw new RangeError(`Cannot use unique id ${JSON.stringify(unique)}: it holds a NUL`);
}

/**
 * Refuses a client id that `workers` could not show.
 * @throws {RangeError} not 1 to 127 bytes, or it holds NUL, TAB, CR or LF
 */
export function assertClientId(clientId: string): void {
  assertLength(`client id "${clientId}"`, clientId, { min: 1, max: MAX_CLIENT_ID_BYTES });
  if (/[\0\t\r\n]/.test(clientId)) {
    throw new RangeError(`Cannot use client id ${JSON.stringify(clientId)}: it holds NUL, TAB, CR or LF`);
  }
}

function assertLength(what: string, text: string, limits: { readonly min: number; readonly max: number }): void {
  const bytes = Buffer.byteLength(text);
  if (bytes >= limits.min && bytes <= limits.max) return;
  throw new RangeError(`Cannot use ${what}: it has ${bytes} bytes, allowed are ${limits.min} to ${limits.max}`);
}
