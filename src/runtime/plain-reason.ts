const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  ENOENT: 'there is no such file',
  ENOSPC: 'no space is left',
  ENOTDIR: 'a part of the path is no folder',
  EPERM: 'it belongs to another account, be root or that one',
  EROFS: 'it is on a read-only file system',
};

/** What a failed system call means to an operator (`permission denied`); undefined: it is none, or its code says no more. */
export function plainReason(error: unknown): string | undefined {
  return REASONS[codeOf(error)];
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
