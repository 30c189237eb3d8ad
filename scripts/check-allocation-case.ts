import { allocate } from '../src/allocation/allocate.ts';
import { type AllocationRound, withRound } from '../src/allocation/allocation-history.ts';
import { demandFromStatus } from '../src/allocation/demand-from-status.ts';
import { grantRequests } from '../src/allocation/grant-requests.ts';
import { parseStatusText } from '../src/allocation/parse-status-text.ts';
import {
  type AllocateCase,
  AllocationCase,
  type CaseRow,
  describeIssues,
  type NeededCase,
} from './allocation-cases.ts';

/** `matched`: as expected. `mismatched`: `reason` says how not. `ran`: the case expects nothing. */
export type CaseOutcome = {
  readonly name: string;
  readonly outcome: 'matched' | 'mismatched' | 'ran';
  readonly reason: string;
};

type Counts = ReadonlyMap<string, number>;

const DIFFERENCES_SHOWN = 3;

/** Runs one case of a case file through the allocator and compares; a malformed case is a mismatch. */
export function checkAllocationCase(raw: unknown, position: number): CaseOutcome {
  const parsed = AllocationCase.safeParse(raw);
  const name = nameOf(raw) ?? `#${position}`;
  if (!parsed.success) {
    return { name, outcome: 'mismatched', reason: `malformed case: ${describeIssues(parsed.error)}` };
  }
  const differences = parsed.data.kind === 'allocate' ? checkAllocate(parsed.data) : checkNeeded(parsed.data);
  if (differences === undefined) return { name, outcome: 'ran', reason: '' };
  const more = differences.length - DIFFERENCES_SHOWN;
  const shown = differences.slice(0, DIFFERENCES_SHOWN).join('; ');
  const reason = more > 0 ? `${shown}; and ${more} more` : shown;
  return { name, outcome: differences.length === 0 ? 'matched' : 'mismatched', reason };
}

/** Differences between expected and found; undefined: nothing is expected. */
function checkAllocate({ rounds, input, expected, expectedCorrected }: AllocateCase): string[] | undefined {
  let history: readonly AllocationRound[] = input.history;
  const found: Counts[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const result = grantRequests({
      ...input,
      targets: input.targets.map((target) => target.name),
      labels: input.labels.map(({ name, ...label }) => ({ label: name, ...label })),
      history,
    });
    found.push(countRows(result.grants));
    history = withRound(history, result.round);
  }
  const wanted = (expectedCorrected ?? expected)?.rounds;
  if (wanted === undefined) return undefined;
  if (wanted.length !== rounds) return [`${wanted.length} rounds are expected and ${rounds} are to run`];
  return wanted.flatMap((rows, index) =>
    compare(`round ${index + 1}`, countRows(rows), found[index] ?? new Map<string, number>()),
  );
}

function checkNeeded({ input, expected, expectedCorrected }: NeededCase): string[] | undefined {
  const status = (input.gearman ?? []).filter((text) => text !== null);
  const demand = demandFromStatus(status.map(parseStatusText));
  const result = allocate({
    ...input,
    providers: input.providers.map((provider) => ({ ...provider, readyImages: new Set(provider.readyImages) })),
    nodes: input.nodes.map((group) => ({ ...group, subnodes: group.count * group.subnodes })),
    demand,
  });
  const wanted = expectedCorrected ?? expected;
  if (wanted === undefined) return undefined;
  const deficit = new Map(result.explanations.map((label) => [label.label, label.deficit]));
  return [
    ...compare('demand', wanted.demand, demand),
    ...compare('available', wanted.available, result.available),
    ...compare('deficit', wanted.deficit, deficit),
    ...compare('launch', countRows(wanted.launch), countRows(result.grants)),
  ];
}

function countRows(rows: readonly CaseRow[]): Counts {
  const counts = new Map<string, number>();
  for (const { label, provider, target, count } of rows) {
    const key = JSON.stringify([label, provider, target]);
    counts.set(key, (counts.get(key) ?? 0) + count);
  }
  return counts;
}

/** An absent key is the same as 0. */
function compare(what: string, wanted: Counts, found: Counts): string[] {
  return [...new Set([...wanted.keys(), ...found.keys()])]
    .filter((key) => (wanted.get(key) ?? 0) !== (found.get(key) ?? 0))
    .map((key) => `${what} of ${key}: expected ${wanted.get(key) ?? 0}, got ${found.get(key) ?? 0}`);
}

function nameOf(raw: unknown): string | undefined {
  const named = typeof raw === 'object' && raw !== null && 'name' in raw ? raw.name : undefined;
  return typeof named === 'string' ? named : undefined;
}
