/** Instants as the services write them. Each has its own way. */

/** Keystone: `2026-11-21T10:12:43.000000Z`. */
export function identityTime(ms: number): string {
  return `${seconds(ms)}.000000Z`;
}

/** Nova, Glance and Neutron: `2026-11-21T10:12:43Z`. */
export function apiTime(ms: number): string {
  return `${seconds(ms)}Z`;
}

/** Nova's `launched_at` and the like, without a zone: `2026-11-21T10:12:43.000000`. */
export function bareTime(ms: number): string {
  return `${seconds(ms)}.000000`;
}

function seconds(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}
