import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { subjectKind } from './open-subject.ts';
import { REPLAY_PLANS } from './replay-plans.ts';
import type { ReplayPlan } from './replay-plans.ts';
import { readTranscript } from './transcript.ts';
import type { Exchange } from './transcript.ts';
import { Tenant } from './tenant.ts';
import { TranscriptReplay } from './transcript-replay.ts';

const FOLDER = join(import.meta.dirname, '../../fixtures/openstack-transcripts');

let tenant: Tenant | undefined;

afterEach(async () => {
  await tenant?.subject.close();
  tenant = undefined;
});

/**
 * A real cloud does not wait for a poll, so passing states that were recorded once may be missed another time: there the
 * facts of contract.md tell their orders, and only transcripts without such states are replayed.
 */
const PLANS = REPLAY_PLANS.filter((plan) => subjectKind() === 'emulator' || plan.isStill === true);

test.each(PLANS)(
  '$promise ($file), so that a client cannot tell the emulator from the real thing',
  async (plan) => {
    tenant = await Tenant.open({ hasHugeFlavor: plan.file.startsWith('12') });
    const replay = new TranscriptReplay(tenant);
    await plan.prepare?.(replay);

    const found = await playTranscript(plan, replay);

    expect(found).toEqual({});
  },
  120_000,
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
