import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openSubject } from './open-subject.ts';
import type { OpenStackSubject } from './openstack-subject.ts';
import { REPLAY_PLANS } from './replay-plans.ts';
import type { ReplayPlan } from './replay-plans.ts';
import { readTranscript } from './transcript.ts';
import type { Exchange } from './transcript.ts';
import { TranscriptReplay } from './transcript-replay.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/openstack-transcripts');

let subject: OpenStackSubject | undefined;

afterEach(async () => {
  await subject?.close();
  subject = undefined;
});

test.each(REPLAY_PLANS)(
  '$promise ($file), so that a client cannot tell the emulator from the real thing',
  async (plan) => {
    subject = await openSubject({ hasHugeFlavor: plan.file.startsWith('12') });
    const replay = await TranscriptReplay.open(subject);
    await plan.prepare?.(replay);

    const found = await playTranscript(plan, replay);

    expect(found).toEqual({});
  },
  60_000,
);

/** What differs, by line of the transcript. */
async function playTranscript(plan: ReplayPlan, replay: TranscriptReplay): Promise<Record<string, string[]>> {
  const steps = new Map(Object.entries(plan.before ?? {}));
  const found: Record<string, string[]> = {};
  for (const exchange of readTranscript(join(FOLDER, plan.file))) {
    const label = `${exchange.method} ${exchange.path}`;
    for (const [start, step] of steps) {
      if (!exchange.scene.startsWith(start) && !label.startsWith(start)) continue;
      steps.delete(start);
      await step(replay);
    }
    if (plan.skip?.(exchange) === true) continue;
    const kept = await playExchange(exchange, plan, replay);
    if (kept.length > 0) found[`line ${exchange.line}: ${label}`] = kept;
  }
  return found;
}

async function playExchange(exchange: Exchange, plan: ReplayPlan, replay: TranscriptReplay): Promise<string[]> {
  const body = plan.bodyOf?.(replay, exchange) ?? exchange.body;
  const differences = await replay.play({ ...exchange, body }, plan.token ?? 'always');
  return differences.filter((each) => plan.free?.test(each) !== true);
}
