import type { Config } from '../../config/config.ts';
import type { DibImage } from '../../image/dib-image.ts';
import { isPaused, pausedImages } from '../../image/dib-rules.ts';
import type { SnapshotImage } from '../../image/snapshot-image.ts';
import { defineCommand } from '../command.ts';
import { formatAge } from '../format-age.ts';
import { type Cell, renderTable } from '../render-table.ts';
import { tellOfFreeze } from '../tell-of-freeze.ts';
import { tellOfSmokeTests } from '../tell-of-smoke-tests.ts';

const HEADER = ['Image', 'Paused', 'Build Request', 'Build Request Age'];

export const imageStatus = defineCommand({
  name: 'image-status',
  summary: 'Show which images are paused, and which are asked for or being built',
  async run(_args, context) {
    const { images, dibImages, imagePauses } = await context.stores();
    const config = await context.config();
    const paused = new Set((await imagePauses.list()).map(({ name }) => name));
    const building = { states: ['building'] } as const;
    const now = context.clock.now();
    const builds = await dibImages.list(building);
    const disk = config.diskimages.map((section) => {
      const build = builds.find(({ diskimage }) => diskimage === section.name);
      return rowOf(section.name, { paused: isPaused(section, paused), build }, now);
    });
    const rows = await images.list(building);
    const snapshots = snapshotRows(config, { paused, rows, now });
    await tellOfSmokeTests(rows, context);
    await tellOfFreeze(context);
    return renderTable(HEADER, [...disk, ...snapshots]);
  },
});

type Moment = {
  readonly paused: ReadonlySet<string>;
  readonly rows: readonly SnapshotImage[];
  readonly now: Date;
};

/** One row for each name; the request that waits or works for longest, of all providers. */
function snapshotRows(config: Config, { paused, rows, now }: Moment): readonly (readonly Cell[])[] {
  const sections = config.providers.flatMap(({ images }) => images).filter(({ diskimage }) => diskimage === undefined);
  const names = pausedImages(paused, config);
  return [...new Set(sections.map(({ name }) => name))].map((name) => {
    const isAllPaused = sections.filter((each) => each.name === name).every(({ pause }) => pause);
    const own = rows.filter(({ image, dibImageId }) => image === name && dibImageId === undefined);
    const [oldest] = [...own].sort((a, b) => a.stateChangedAt.getTime() - b.stateChangedAt.getTime());
    return rowOf(name, { paused: isAllPaused || names.has(name), build: oldest }, now);
  });
}

function rowOf(
  name: string,
  { paused, build }: { readonly paused: boolean; readonly build: DibImage | SnapshotImage | undefined },
  now: Date,
): readonly Cell[] {
  const isPending = build?.step === undefined || build.step === 'wait-builder';
  const request = build === undefined ? undefined : isPending ? 'pending' : 'building';
  return [name, paused ? 'True' : 'False', request, build && formatAge(build.stateChangedAt, now)];
}
