import { describeError } from '../../src/runtime/errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'it belongs to another account, be root or that one',
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is no folder',
  ENOSPC: 'no space is left',
  EROFS: 'it is on a read-only file system',
};

/** An error for the operator: what the system says in codes and calls (`kill EPERM`) as a sentence about `purpose`. */
export function describePlainly(error: unknown, purpose: string): string {
  const reason = REASONS[codeOf(error)];
  if (reason === undefined || !(error instanceof Error)) return describeError(error);
  const path = 'path' in error && typeof error.path === 'string' ? error.path : '';
  const place = path === '' || purpose.includes(path) ? '' : ` ("${path}")`;
  return `Cannot ${purpose}: ${reason}${place}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
