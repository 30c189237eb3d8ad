/**
 * What became of a label in a pass.
 * `off`: min-ready is negative. `enough`: supply covers demand and min-ready. `min-ready-dropped`: demand is covered and
 * the free slots do not hold min-ready. `no-target`: none is online. `no-image`: ready in none of its providers.
 * `granted`: all that it lacks. `partly-granted`, `no-room`: others had better claims to the slots, or there are none.
 */
export type AllocationOutcome =
  'off' | 'enough' | 'min-ready-dropped' | 'no-target' | 'no-image' | 'granted' | 'partly-granted' | 'no-room';

/** The numbers behind a label's grants. Nodes, unless said otherwise. */
export type LabelExplanation = {
  readonly label: string;
  /** Queued and running jobs. */
  readonly demand: number;
  readonly minReady: number;
  /** Nodes that run its jobs or will, on online targets. */
  readonly supply: number;
  /** Free slots of all its providers into which its servers fit. */
  readonly capacity: number;
  readonly deficit: number;
  readonly granted: number;
  readonly subnodes: number;
  readonly usableProviders: readonly string[];
  readonly providersWithoutImage: readonly string[];
  /** Named by the label and not configured. */
  readonly unknownProviders: readonly string[];
  /** Rounds before this one in which it asked and got nothing. */
  readonly waitedRounds: number;
  readonly outcome: AllocationOutcome;
};

const OUTCOME_TEXT: Record<AllocationOutcome, string> = {
  off: 'the label is off',
  enough: 'nothing is missing',
  'min-ready-dropped': 'min-ready is left out, the free slots do not hold it',
  'no-target': 'no target is online',
  'no-image': 'its image is ready in none of its providers',
  granted: 'all of it is granted',
  'partly-granted': 'the free slots do not hold all of it',
  'no-room': 'no slots are free, or other labels come first',
};

/** The explanation as one line for the log: numbers first (upstream's "Deficit" line), then the reason. */
export function describeLabel(label: LabelExplanation): string {
  const numbers = `demand ${label.demand}, min-ready ${label.minReady}, supply ${label.supply}, capacity ${label.capacity}`;
  const waited = label.waitedRounds > 0 ? `, waited ${label.waitedRounds} rounds` : '';
  const lacks = label.providersWithoutImage.map((name) => `; no ready image in "${name}"`).join('');
  return `Label "${label.label}" lacks ${label.deficit} (${numbers}${waited}), granted ${label.granted}: ${OUTCOME_TEXT[label.outcome]}${lacks}`;
}
