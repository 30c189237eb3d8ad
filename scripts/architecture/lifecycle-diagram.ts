/** A lifecycle table: state → event → next state. */
export type Lifecycle = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A Mermaid state diagram of a lifecycle. Rows are made in `first`, and removed in the state that no event leaves. */
export function lifecycleDiagram(lifecycle: Lifecycle, first: string): string {
  const arrows = Object.entries(lifecycle).flatMap(([state, exits]) => {
    const events = groupByNext(exits);
    return [...events].map(([next, names]) => `  ${idOf(state)} --> ${idOf(next)}: ${names.join(', ')}`);
  });
  const last = Object.keys(lifecycle).filter((state) => Object.keys(lifecycle[state] ?? {}).length === 0);
  return [
    '```mermaid',
    'stateDiagram-v2',
    ...Object.keys(lifecycle).map((state) => `  state "${state}" as ${idOf(state)}`),
    `  [*] --> ${idOf(first)}: inserted`,
    ...arrows,
    ...last.map((state) => `  ${idOf(state)} --> [*]: removed`),
    '```',
  ].join('\n');
}

function groupByNext(exits: Readonly<Record<string, string>>): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const [event, next] of Object.entries(exits)) groups.set(next, [...(groups.get(next) ?? []), event]);
  return groups;
}

/** `delete` and the like may be words of Mermaid's. */
function idOf(state: string): string {
  return `s_${state}`;
}
