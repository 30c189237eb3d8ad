import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aLabelSection, aTargetSection, anImageSection } from '../builders/config-of.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { DaemonHere } from './daemon-here.ts';
import { RECIPE_MS, RecipeFarm } from './recipe-farm.ts';

const BASE = { 'base-image': 'base-test', setup: 'prepare.sh', 'private-key': '/nowhere/key' };

async function cloudImages(farm: RecipeFarm): Promise<readonly string[]> {
  const images = await farm.cloud.provider.listImages(neverAborted);
  return images
    .filter(({ name }) => name.startsWith('template-'))
    .map(({ id }) => id)
    .sort();
}

/** The image from which the one node of the farm was made, once there is one that is ready and not that of before. */
async function imageOfNode(farm: RecipeFarm, before = ''): Promise<string> {
  const rows = await farm.untilTable(
    ['list', '--detail'],
    (all) => all.length === 1 && all.every(({ ID, State }) => State === 'ready' && ID !== before),
  );
  return rows[0]?.['Image'] ?? '';
}

test(
  'the daily snapshot: refreshed by hand after a change of the scripts, and the one before it serves again when it is bad',
  { timeout: RECIPE_MS },
  async () => {
    await using farm = await RecipeFarm.start();
    farm.write('scripts/prepare.sh', '#!/bin/sh\n');
    farm.writeConfig({
      'script-dir': join(farm.folder, 'scripts'),
      targets: [aTargetSection()],
      providers: [farm.provider('eqiad', { images: [anImageSection({ name: 'ci-jessie', ...BASE })] })],
      labels: [aLabelSection({ name: 'ci', image: 'ci-jessie', providers: [{ name: 'eqiad' }] })],
    });
    await using daemon = await DaemonHere.start(farm);
    expect(await imageOfNode(farm)).toBe('ci-jessie (1)');
    expect(daemon.log.messages('warn')).toContain('Missing image ci-jessie on eqiad');

    // The scripts have changed: a new snapshot, now.
    const update = await farm.run('image-update', 'eqiad', 'ci-jessie');
    expect(update).toMatchObject({ status: 0, stdout: '' });
    expect(update.stderr).toMatch(/^Image ci-jessie on eqiad is ready: \S+$/m);
    const [first, second] = await farm.table('image-list');
    expect([first?.['State'], second?.['State']]).toEqual(['ready', 'ready']);
    expect(await cloudImages(farm)).toEqual([first?.['Image ID'], second?.['Image ID']].sort());
    await farm.nodepool('delete', '1');
    expect(await imageOfNode(farm, '1')).toBe('ci-jessie (2)');

    // Jobs fail on it: back to the one before.
    await farm.nodepool('image-delete', '2');
    expect(await cloudImages(farm)).toEqual([first?.['Image ID']]);
    expect((await farm.table('image-list')).map(({ ID, State }) => [ID, State])).toEqual([['1', 'ready']]);
    await farm.nodepool('delete', '2');
    expect(await imageOfNode(farm, '2')).toBe('ci-jessie (1)');
    expect(await farm.table('image-list')).toHaveLength(1); // nothing is built again by itself: the cron does that
    expect(await farm.table('alien-image-list')).toEqual([]);
  },
);
