import type * as z from 'zod';
import { ProtocolError } from '../runtime/errors.ts';
import type { HttpAnswer } from './http-connections.ts';

/**
 * The body of a good answer, checked.
 * @throws {ProtocolError} it is not JSON, or not of that shape
 */
export function parseBody<T>(schema: z.ZodType<T>, answer: HttpAnswer): T {
  const parsed = schema.safeParse(answer.json);
  if (parsed.success) return parsed.data;
  const kind = answer.headers['content-type'] ?? 'no content type';
  const reason = answer.json === undefined ? `it is not JSON (${kind})` : describeIssue(parsed.error);
  throw new ProtocolError(`Cannot read the answer with status ${answer.status}: ${reason}`);
}

/** Path and complaint only: a body may hold a password. */
function describeIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? 'unknown shape' : `"${issue.path.join('.')}": ${issue.message}`;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
