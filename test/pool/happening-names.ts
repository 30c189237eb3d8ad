import { type Happening, HAPPENINGS } from './farm-world.ts';

/** How often each thing happens beside the others: a farm is busy, and seldom in trouble. */
const WEIGHTS: Partial<Record<Happening['what'], number>> = {
  buildStarts: 10,
  buildEnds: 6,
  eventComes: 8,
  launchPass: 3,
  registrationPass: 3,
  reconcilePass: 3,
  deletionPass: 4,
  holdPass: 2,
  nodeIsOverdue: 2,
  checkFails: 3,
};

/** The names of all that may happen, as often as they should. */
export const HAPPENING_NAMES: readonly Happening['what'][] = (Object.keys(HAPPENINGS) as Happening['what'][]).flatMap(
  (what) => Array.from({ length: WEIGHTS[what] ?? 1 }, () => what),
);
