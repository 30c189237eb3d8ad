import { test } from 'vitest';
import { subjectKind } from './open-subject.ts';
import type { SubjectKind } from './openstack-subject.ts';

/**
 * A fact that holds on one kind of cloud only. `because` says why the other has no such fact, so leaving it out there is
 * no hole in the contract: it is not registered, and so never counts as skipped.
 */
export function onlyOn(
  where: { readonly kind: SubjectKind; readonly because: string },
  fact: string,
  body: () => Promise<void>,
): void {
  if (where.kind === subjectKind()) test(`${fact} (on the ${where.kind} alone: ${where.because})`, body);
}
