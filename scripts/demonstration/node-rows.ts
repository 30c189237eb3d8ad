/** A row of `nodepool list`, as far as the demonstration looks at it. */
export type NodeRow = {
  readonly id: number;
  readonly provider: string;
  readonly nodename: string;
  readonly serverId: string;
  readonly ip: string;
  readonly state: string;
};

/** Reads a table of the command line as scrapers do: split on `|`, by position. */
export function readTable(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(1)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** The rows of `nodepool list`. */
export function readNodes(text: string): readonly NodeRow[] {
  return readTable(text).map((cells) => ({
    id: Number(cells[0]),
    provider: cells[1] ?? '',
    nodename: cells[7] ?? '',
    serverId: cells[8] ?? '',
    ip: cells[9] ?? '',
    state: cells[10] ?? '',
  }));
}
