import { ApiFailure, parseJsonBody } from './api-call.ts';
import type { Call } from './api-call.ts';

const MALFORMED = 'Malformed request body';

/**
 * The JSON that a client sent to Nova.
 * @throws {ApiFailure} 400: not JSON, or sent as something else
 */
export function readComputeBody(call: Call): unknown {
  if (!(call.headers['content-type'] ?? '').startsWith('application/json')) throw new ApiFailure(400, MALFORMED);
  return parseJsonBody(call, MALFORMED);
}
