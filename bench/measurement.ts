/** Bench: measures what the design promises and compares it with the budgets. Figures, never pass or fail of a test. */

/** What a figure must keep to. */
export type Budget = { readonly sense: '<' | '≤' | '≥'; readonly limit: number };

export type Quantity = {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
};

/** One figure; without a budget it is a reference, or explains the one above it. */
export type Measurement = Quantity & { readonly budget?: Budget };

/** `tiny`: does the topic work at all? Its figures say nothing. */
export type Size = 'full' | 'tiny';

/** A topic measures what belongs together, in a process of its own. */
export type Topic = {
  readonly name: string;
  readonly about: string;
  readonly run: (size: Size, signal: AbortSignal, options: TopicOptions) => Promise<readonly Measurement[]>;
  /** Takes too long to be measured unless it is named. */
  readonly isLong?: true;
};

/** What topics may be told whose length depends on it. */
export type TopicOptions = {
  /** How long to measure. */
  readonly minutes: number;
  /** How large a file to upload. */
  readonly mib: number;
};

/** A figure that must be less than `limit`. */
export function lessThan(limit: number, quantity: Quantity): Measurement {
  return { ...quantity, budget: { sense: '<', limit } };
}

/** A figure that may be `limit` and no more. */
export function atMost(limit: number, quantity: Quantity): Measurement {
  return { ...quantity, budget: { sense: '≤', limit } };
}

/** A figure that must be `limit` or more. */
export function atLeast(limit: number, quantity: Quantity): Measurement {
  return { ...quantity, budget: { sense: '≥', limit } };
}

/** A figure without a budget. */
export function noted(quantity: Quantity): Measurement {
  return quantity;
}

/** How many times better than the reference of the same run. `ours` and `theirs`: less is better. */
export function timesLess(
  what: string,
  { ours, theirs }: { readonly ours: number; readonly theirs: number },
): Measurement {
  return noted({ what, value: theirs / ours, unit: 'times' });
}
