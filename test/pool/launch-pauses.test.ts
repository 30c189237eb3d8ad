import { describe, expect, test } from 'vitest';
import type { NodeCount } from '../../src/node/node-store.ts';
import { imageKey, labelKey, LaunchBreakers, providerKey } from '../../src/pool/launch-breakers.ts';
import { launchableImages, launchableLabel, type LaunchPauses, limitToProbes } from '../../src/pool/launch-pauses.ts';
import { aLabel } from '../builders/a-config.ts';
import { CountingRandomness } from '../fakes/counting-randomness.ts';
import { FakeClock } from '../fakes/fake-clock.ts';

const READY = new Set(['trusty', 'xenial']);
const KEYS = [providerKey('fake-provider'), imageKey('fake-provider', 'trusty'), labelKey('trusty', 'trusty')] as const;
const building: NodeCount = {
  ...{ provider: 'fake-provider', label: 'trusty', target: 'fake-target' },
  ...{ state: 'building', count: 1, subnodes: 0 },
};

/** Pauses in which the breaker of `key` is open, or has become a probe. */
async function pausesOf(key: string, now: 'open' | 'probing', nodes: readonly NodeCount[] = []): Promise<LaunchPauses> {
  const clock = new FakeClock();
  const breakers = new LaunchBreakers({ clock, randomness: new CountingRandomness() });
  for (let n = 0; n < 3; n += 1) breakers.failed(key, 'test');
  if (now === 'probing') await clock.advance(15_000);
  return { labels: [aLabel(), aLabel({ name: 'xenial', image: 'xenial' })], nodes, breakers };
}

describe('a paused provider', () => {
  test('may launch no image while its breaker is open', async () => {
    const pauses = await pausesOf(KEYS[0], 'open');

    expect(launchableImages('fake-provider', READY, pauses)).toEqual(new Set());
    expect(launchableImages('other', READY, pauses)).toEqual(READY);
  });

  test('may launch again for a probe, but not beside one that is under way', async () => {
    expect(launchableImages('fake-provider', READY, await pausesOf(KEYS[0], 'probing'))).toEqual(READY);
    const during = await pausesOf(KEYS[0], 'probing', [building]);
    expect(launchableImages('fake-provider', READY, during)).toEqual(new Set());
  });

  test('is not kept waiting by launches of another provider, nor by rows that are no launches', async () => {
    const others = [
      { ...building, provider: 'other' },
      { ...building, state: 'ready' as const },
      { ...building, count: 0 },
    ];

    expect(launchableImages('fake-provider', READY, await pausesOf(KEYS[0], 'probing', others))).toEqual(READY);
  });
});

describe('a paused image', () => {
  test('takes only itself away, in its provider', async () => {
    const pauses = await pausesOf(KEYS[1], 'open');

    expect(launchableImages('fake-provider', READY, pauses)).toEqual(new Set(['xenial']));
    expect(launchableImages('other', READY, pauses)).toEqual(READY);
  });

  test('waits for the probe of a label that uses it', async () => {
    const during = await pausesOf(KEYS[1], 'probing', [building]);
    const beside = await pausesOf(KEYS[1], 'probing', [{ ...building, label: 'xenial' }]);

    expect(launchableImages('fake-provider', READY, during)).toEqual(new Set(['xenial']));
    expect(launchableImages('fake-provider', READY, beside)).toEqual(READY);
  });
});

describe('a paused label', () => {
  test('has no providers, as if its image were missing everywhere', async () => {
    const pauses = await pausesOf(KEYS[2], 'open');

    expect(launchableLabel(aLabel(), pauses).providers).toEqual([]);
    expect(launchableLabel(aLabel({ name: 'xenial', image: 'xenial' }), pauses).providers).toEqual(['fake-provider']);
  });
});

describe('grants', () => {
  const grants = [
    { label: 'trusty', provider: 'fake-provider', target: 'a', count: 5 },
    { label: 'trusty', provider: 'fake-provider', target: 'b', count: 5 },
    { label: 'xenial', provider: 'other', target: 'a', count: 5 },
  ];

  test.each(KEYS)('are cut down to a single node where %s is probed', async (key) => {
    const pauses = await pausesOf(key, 'probing');

    expect(limitToProbes(grants, pauses)).toEqual([{ ...grants[0], count: 1 }, grants[2]]);
  });

  test('are left as they are where nothing is probed', async () => {
    expect(limitToProbes(grants, await pausesOf('provider third', 'probing'))).toEqual(grants);
  });
});
