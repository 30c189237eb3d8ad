import { describeError } from './errors.ts';
import { plainReason } from './plain-reason.ts';

/** An error for the operator: what the system says in codes and calls (`kill EPERM`) as a sentence about `purpose`. */
export function describePlainly(error: unknown, purpose: string): string {
  const reason = plainReason(error);
  if (reason === undefined || !(error instanceof Error)) return describeError(error);
  const path = 'path' in error && typeof error.path === 'string' ? error.path : '';
  const place = path === '' || purpose.includes(path) ? '' : ` ("${path}")`;
  return `Cannot ${purpose}: ${reason}${place}`;
}
