import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeSmokeTest, needsSmokeNode, type WaitingImage, waitsForSmokeTest } from '../../src/image/smoke-test.ts';
import { anImage } from '../builders/an-image.ts';

const NOW = new Date('2026-01-01T12:00:00Z');
const RULES = { smokeTest: true, launchRetries: 3 };

function waiting(facts: Partial<WaitingImage> = {}): WaitingImage {
  return { ...anImage({ state: 'building', step: 'smoke-test', stepStartedAt: NOW }), externalId: 'image-1', ...facts };
}

describe('an image waits for its smoke test', () => {
  test('once it is whole in the cloud, and not before', () => {
    expect(waitsForSmokeTest(waiting())).toBe(true);
    expect(waitsForSmokeTest(waiting({ step: 'save' }))).toBe(false);
    expect(waitsForSmokeTest(waiting({ state: 'ready' }))).toBe(false);
    expect(waitsForSmokeTest(waiting({ state: 'delete' }))).toBe(false);
  });

  test('and needs no further node when one came through', () => {
    expect(needsSmokeNode(waiting())).toBe(true);
    expect(needsSmokeNode(waiting({ launchedAt: NOW }))).toBe(false);
  });
});

describe('the verdict on an image that waits', () => {
  test('is open while its node is launched', () => {
    expect(judgeSmokeTest(waiting({ failedLaunches: 2 }), RULES, NOW)).toBeUndefined();
  });

  test('is good as soon as a node came through, whatever failed before', () => {
    const image = waiting({ launchedAt: NOW, failedLaunches: 9 });

    expect(judgeSmokeTest(image, RULES, NOW)).toMatchObject({ end: 'passed' });
  });

  test('is good when the key is gone from the section: operators need a way out', () => {
    expect(judgeSmokeTest(waiting(), { ...RULES, smokeTest: false }, NOW)).toMatchObject({ end: 'passed' });
  });

  test('is bad after launch-retries, with the last reason', () => {
    const image = waiting({ failedLaunches: 3, lastError: 'Node 9: No ssh' });

    expect(judgeSmokeTest(image, RULES, NOW)).toEqual({
      end: 'failed',
      why: 'Its smoke test failed 3 times: Node 9: No ssh',
    });
  });

  test('is bad after one failure where there are no retries', () => {
    const image = waiting({ failedLaunches: 1, lastError: 'Node 9: No ssh' });

    expect(judgeSmokeTest(image, { ...RULES, launchRetries: 0 }, NOW)?.why).toContain('failed once: Node 9');
  });

  test('is bad after eight hours without an end, so that no row is stuck', () => {
    const stepStartedAt = new Date(NOW.getTime() - 8 * 3_600_000 - 1);

    expect(judgeSmokeTest(waiting({ stepStartedAt }), RULES, NOW)?.why).toBe(
      'Its smoke test did not end within 8 h: no node could be launched from it',
    );
    const tried = waiting({ stepStartedAt, failedLaunches: 1, lastError: 'Node 9: No ssh' });
    expect(judgeSmokeTest(tried, RULES, NOW)?.why).toContain('Node 9: No ssh');
  });

  test('never stays open for ever, and is never good without a node while the key is set', () => {
    fc.assert(
      fc.property(
        fc.record({ failed: fc.nat(9), hours: fc.nat(99), retries: fc.nat(5), passed: fc.boolean() }),
        ({ failed, hours, retries, passed }) => {
          const stepStartedAt = new Date(NOW.getTime() - hours * 3_600_000);
          const image = waiting({ stepStartedAt, failedLaunches: failed, ...(passed && { launchedAt: NOW }) });
          const verdict = judgeSmokeTest(image, { smokeTest: true, launchRetries: retries }, NOW);

          expect(verdict?.end === 'passed').toBe(passed);
          const isOver = failed >= Math.max(1, retries) || hours > 8;
          expect(verdict === undefined).toBe(!passed && !isOver);
        },
      ),
    );
  });
});
