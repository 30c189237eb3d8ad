import { cruise } from 'dependency-cruiser';
import extractDepcruiseOptions from 'dependency-cruiser/config-utl/extract-depcruise-options';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

/** Which room imports which: `src/pool`, or `src/nodepoold` for a root. Sorted, each pair once. */
export type RoomGraph = {
  readonly rooms: readonly string[];
  readonly imports: readonly (readonly [from: string, to: string])[];
};

/** Reads all imports of the sources (types too) and folds files to rooms. Takes some seconds. */
export async function readRoomGraph(): Promise<RoomGraph> {
  const options = await extractDepcruiseOptions('./.dependency-cruiser.cjs');
  const { output } = await cruise(['src', 'devfarm'], options, undefined, {
    tsConfig: extractTsConfig('tsconfig.json'),
  });
  if (typeof output === 'string') throw new Error('The dependency cruiser gave a text instead of its findings');
  const ours = output.modules.filter(({ source }) => /^(src|devfarm)\//.test(source));
  const pairs = ours.flatMap(({ source, dependencies }) =>
    dependencies
      .filter(({ resolved }) => /^(src|devfarm)\//.test(resolved))
      .map(({ resolved }) => [roomOf(source), roomOf(resolved)] as const),
  );
  const imports = new Map(pairs.filter(([from, to]) => from !== to).map((pair) => [pair.join(' '), pair]));
  return {
    rooms: [...new Set(ours.map(({ source }) => roomOf(source)))].sort(),
    imports: [...imports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair),
  };
}

/** The folder below `src/` or `devfarm/`; a file that lies there itself is a root and a room of its own. */
function roomOf(path: string): string {
  const [top = '', second = ''] = path.split('/');
  return `${top}/${second.replace(/[.]ts$/, '')}`;
}
