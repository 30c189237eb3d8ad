import { expect, test } from 'vitest';
import { aLabelSection, anImageSection } from '../builders/config-of.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RECIPE_MS, RecipeFarm } from './recipe-farm.ts';

const PROVIDERS = ['cloud1', 'cloud2'];

function keysOf(farm: RecipeFarm, isPaused: boolean): Readonly<Record<string, unknown>> {
  const images = [anImageSection({ name: 'precise', diskimage: 'precise' })];
  return {
    diskimages: [{ name: 'precise', elements: ['ubuntu'], formats: ['vhd'], pause: isPaused }],
    providers: PROVIDERS.map((name) => farm.provider(name, { images })),
    labels: [aLabelSection({ image: 'precise', 'min-ready': 0, providers: PROVIDERS.map((name) => ({ name })) })],
  };
}

/** Build of each upload that is in the clouds, by the mark that it bears. */
async function buildsInClouds(farm: RecipeFarm): Promise<readonly string[]> {
  const images = await farm.cloud.provider.listImages(neverAborted);
  return images
    .flatMap(({ properties }) => {
      const build = properties['nodepool_build_id'];
      return build === undefined ? [] : [`${build} in ${properties['nodepool_provider_name'] ?? ''}`];
    })
    .sort();
}

async function untilReady(farm: RecipeFarm, uploads: number): Promise<void> {
  await farm.untilTable(
    ['image-list'],
    (rows) => rows.length === uploads && rows.every(({ State }) => State === 'ready'),
  );
}

test(
  'a bad image: paused, all its uploads deleted by the name of the build, and the build before it serves in every provider',
  { timeout: RECIPE_MS },
  async () => {
    await using farm = await RecipeFarm.start();
    farm.write('build.sh', 'echo image >"$out.qcow2"; echo image >"$out.vhd"');
    farm.writeConfig(keysOf(farm, false));
    await farm.startBuilder();
    const daemon = await farm.startDaemon();
    await untilReady(farm, 2);
    await farm.nodepool('image-build', 'precise');
    await untilReady(farm, 4);

    const detail = await farm.nodepool('dib-image-list', '--detail');
    const [line = '', header, , first = '', second = ''] = detail.split('\n');
    expect(line).toMatch(/^[+-]+$/);
    expect(header).toMatch(/^[|] ID +[|] Image +[|] Builder +[|] Formats +[|] State +[|] Age +[|]$/);
    expect(first).toMatch(
      /^[|] precise-0000000001 [|] precise [|] \S+ +[|] qcow2,vhd [|] ready +[|] 00:00:\d\d:\d\d +[|]$/,
    );
    expect(second).toMatch(/^[|] precise-0000000002 [|] precise [|]/);

    farm.writeConfig(keysOf(farm, true));
    daemon.signal('SIGHUP');
    await farm.nodepool('image-delete', 'precise-0000000002');

    expect(await buildsInClouds(farm)).toEqual(['1 in cloud1', '1 in cloud2']);
    const serving = await farm.table('image-list', '--detail');
    expect(serving.map((row) => [row['Build ID'], row['Provider'], row['State']])).toEqual([
      ['precise-0000000001', 'cloud1', 'ready'],
      ['precise-0000000001', 'cloud2', 'ready'],
    ]);
    expect(await farm.table('image-status')).toMatchObject([{ Image: 'precise', Paused: 'True' }]);

    // What was wrong is mended: a build by hand, while the pause still keeps the daemon from it.
    await farm.nodepool('image-update', 'all', 'precise');
    expect(await buildsInClouds(farm)).toEqual(['1 in cloud1', '1 in cloud2', '3 in cloud1', '3 in cloud2']);
    const builds = await farm.table('dib-image-list', '--detail');
    expect(builds.map(({ ID }) => ID)).toEqual([1, 2, 3].map((id) => `precise-000000000${id}`)); // 2 pushes no good one out
    expect(daemon.lines.filter((line) => line.includes(' ERROR '))).toEqual([]);
  },
);

test(
  'without the pause neither the deleted build comes back nor a new one: the command took it back, and none is due',
  { timeout: RECIPE_MS },
  async () => {
    await using farm = await RecipeFarm.start();
    farm.write('build.sh', 'echo image >"$out.qcow2"; echo image >"$out.vhd"');
    farm.writeConfig(keysOf(farm, false));
    const builder = await farm.startBuilder();
    await farm.startDaemon();
    await untilReady(farm, 2);
    await farm.nodepool('image-update', 'all', 'precise');

    await farm.nodepool('image-delete', 'precise-0000000002');
    expect(await buildsInClouds(farm)).toEqual(['1 in cloud1', '1 in cloud2']);
    // Whoever wants it all the same asks for it. The daemon's pass that does it finds nothing else to do.
    await farm.nodepool('image-upload', 'cloud1', 'precise');
    expect(await buildsInClouds(farm)).toEqual(['1 in cloud1', '1 in cloud2', '2 in cloud1']);
    expect(builder.lines.filter((line) => line.includes('Building disk image'))).toHaveLength(2);
  },
);
