import { expect, inject, test } from 'vitest';
import { aLabelSection, aTargetSection, anImageSection } from '../builders/config-of.ts';
import { makeTestDatabase } from '../db/test-database.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { DaemonHere } from './daemon-here.ts';
import { RECIPE_MS, RecipeFarm } from './recipe-farm.ts';

type Step = { readonly maxServers: number; readonly hasImages: boolean; readonly isConfigured: boolean };

/** The farm's file at one step of the removal of provider `leaving`. */
function keysOf(farm: RecipeFarm, { maxServers, hasImages, isConfigured }: Step): Readonly<Record<string, unknown>> {
  const images = [anImageSection({ name: 'centos', diskimage: 'dib-centos', 'private-key': '/nowhere/key' })];
  const leaving = farm.provider('leaving', { 'max-servers': maxServers, images: hasImages ? images : [] });
  const staying = farm.provider('staying', { 'max-servers': maxServers === 0 ? 2 : 1, images });
  const providers = isConfigured ? ['leaving', 'staying'] : ['staying'];
  return {
    diskimages: [{ name: 'dib-centos', elements: ['centos'] }],
    targets: [aTargetSection()],
    providers: isConfigured ? [leaving, staying] : [staying],
    labels: [aLabelSection({ image: 'centos', 'min-ready': 2, providers: providers.map((name) => ({ name })) })],
  };
}

async function uploadsTo(farm: RecipeFarm, provider: string): Promise<number> {
  const images = await farm.cloud.provider.listImages(neverAborted);
  return images.filter(({ properties }) => properties['nodepool_provider_name'] === provider).length;
}

async function nodesOf(farm: RecipeFarm): Promise<readonly string[]> {
  const rows = await farm.untilTable(
    ['list'],
    (all) => all.length === 2 && all.every(({ State }) => State === 'ready'),
  );
  return rows.map(({ Provider = '' }) => Provider).sort();
}

test(
  'a provider leaves: first no nodes are launched there, then its images go, then its section, and the others go on',
  { timeout: RECIPE_MS },
  async () => {
    await using farm = await RecipeFarm.start();
    farm.writeConfig(keysOf(farm, { maxServers: 1, hasImages: true, isConfigured: true }));
    const builder = await farm.startBuilder();
    await using daemon = await DaemonHere.start(farm);
    expect(await nodesOf(farm)).toEqual(['leaving', 'staying']);

    farm.writeConfig(keysOf(farm, { maxServers: 0, hasImages: true, isConfigured: true }));
    daemon.reload();
    const [there] = (await farm.table('list')).filter(({ Provider }) => Provider === 'leaving');
    await farm.nodepool('delete', there?.['ID'] ?? '');
    await farm.untilTable(['list'], (all) => all.every(({ ID }) => ID !== there?.['ID']));
    expect(await nodesOf(farm)).toEqual(['staying', 'staying']);
    expect(await uploadsTo(farm, 'leaving')).toBe(1); // easy to turn back

    farm.writeConfig(keysOf(farm, { maxServers: 0, hasImages: false, isConfigured: true }));
    daemon.reload();
    await farm.untilTable(['image-list'], (all) => all.length === 1);
    expect(await uploadsTo(farm, 'leaving')).toBe(0);
    expect(await uploadsTo(farm, 'staying')).toBe(1);
    expect(await farm.nodepool('info', 'leaving')).toContain('Image builds:');
    expect(farm.filesIn('images')).toEqual(['1.qcow2']); // the other provider's too

    farm.writeConfig(keysOf(farm, { maxServers: 0, hasImages: false, isConfigured: false }));
    daemon.reload();
    expect(await farm.nodepool('config-validate')).not.toContain('leaving');
    expect(await nodesOf(farm)).toEqual(['staying', 'staying']);
    expect(daemon.log.messages('error')).toEqual([]);
    expect(builder.lines.filter((line) => line.includes('Building disk image'))).toHaveLength(1);
  },
);

test(
  'image data moves to an empty database: nodes are launched there from the images of before, and nothing is built again',
  { timeout: RECIPE_MS },
  async () => {
    await using farm = await RecipeFarm.start();
    farm.writeConfig(keysOf(farm, { maxServers: 1, hasImages: true, isConfigured: true }));
    const builder = await farm.startBuilder();
    {
      await using _daemon = await DaemonHere.start(farm);
      await farm.untilTable(['image-list'], (all) => all.length === 2 && all.every(({ State }) => State === 'ready'));
    }
    const before = [await idsIn(farm, 'dib-image-list'), await idsIn(farm, 'image-list')];
    await farm.nodepool('export-image-data', 'images.json');

    await using other = await makeTestDatabase(inject('postgresHost'));
    farm.write('secure.conf', `[database]\ndburi=${other.url.reveal()}\n`);
    expect(await farm.table('image-list')).toEqual([]);
    await farm.nodepool('import-image-data', 'images.json');
    expect([await idsIn(farm, 'dib-image-list'), await idsIn(farm, 'image-list')]).toEqual(before);
    const again = await farm.run('import-image-data', 'images.json');
    expect(again).toMatchObject({ status: 1 });
    expect(again.stderr).toContain('Nothing is imported, for there is already: disk image 1');

    await using _daemon = await DaemonHere.start(farm, other.url);
    expect(await nodesOf(farm)).toEqual(['leaving', 'staying']);
    expect([await idsIn(farm, 'dib-image-list'), await idsIn(farm, 'image-list')]).toEqual(before);
    expect(builder.lines.filter((line) => line.includes('Building disk image'))).toHaveLength(1);
  },
);

/** What identifies the rows of a list. */
async function idsIn(farm: RecipeFarm, list: string): Promise<readonly string[]> {
  return (await farm.table(list)).map((row) => `${row['ID'] ?? ''} ${row['Image ID'] ?? row['Filename'] ?? ''}`);
}
