import { buildName, type DibFailure, type DibImage } from '../../image/dib-image.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { formatAge } from '../format-age.ts';
import { renderTable } from '../render-table.ts';
import { describeFailure } from '../tell-of-failure.ts';
import { tellOfFreeze } from '../tell-of-freeze.ts';

const HEADER = ['ID', 'Image', 'Filename', 'Version', 'State', 'Age'];
const DETAIL_HEADER = ['ID', 'Image', 'Builder', 'Formats', 'State', 'Age'];

export const dibImageList = defineCommand({
  name: 'dib-image-list',
  summary: 'List the builds of disk images',
  options: [{ flags: '--detail', summary: 'with names, builders and formats' }],
  async run({ options }, context) {
    const { dibImages } = await context.stores();
    const now = context.clock.now();
    const builds = await dibImages.list();
    for (const failure of await dibImages.listFailures()) tellFailure(failure, builds, context);
    await tellOfFreeze(context);
    if (options['detail'] !== true) {
      return renderTable(
        HEADER,
        builds.map((build) => {
          const { id, diskimage, filename, version, state } = build;
          return [id, diskimage, filename, version, state, formatAge(build.stateChangedAt, now)];
        }),
      );
    }
    return renderTable(
      DETAIL_HEADER,
      builds.map((build) => {
        const { diskimage, builder, formats, state } = build;
        return [buildName(build), diskimage, builder, formats.join(','), state, formatAge(build.stateChangedAt, now)];
      }),
    );
  },
});

/** Beside the table, whose layout programs rely on. */
function tellFailure(failure: DibFailure, builds: readonly DibImage[], context: CommandContext): void {
  const serves = builds.some(({ diskimage, state }) => diskimage === failure.diskimage && state === 'ready');
  const meanwhile = serves ? ' (the one before it serves)' : '';
  context.tell(`Disk image ${failure.diskimage} ${describeFailure(failure, context.clock.now(), meanwhile)}`);
}
