import { describe, expect, test } from 'vitest';
import { judge } from '../../crash/broken-promises.ts';
import type { Attempt, Evidence, Outage, Run } from '../../crash/evidence.ts';

const MINUTE_MS = 60_000;

function anAttempt(changes: Partial<Attempt> = {}): Attempt {
  const common = { id: '1.1', job: 1, expects: 'SUCCESS', asksOffline: true } as const;
  return { ...common, outcome: 'completed', result: 'SUCCESS', ...changes };
}

function aRun(changes: Partial<Run> = {}): Run {
  return { attempt: '1.1', server: 'one', beganMs: 1_000, endedMs: 2_000, closedMs: 2_010, ...changes };
}

function evidence(changes: Partial<Evidence>): Evidence {
  return { attempts: [], runs: [], outages: [], unfinished: [], ...changes };
}

function away(part: Outage['part']): readonly Outage[] {
  return [{ part, fromMs: 1_500, toMs: 2_500 }];
}

describe('judging a crash run', () => {
  test('finds nothing where each job that began ended with its own result on a node of its own', () => {
    const attempts = [anAttempt(), anAttempt({ id: '2.1', job: 2, expects: 'FAILURE', result: 'FAILURE' })];
    const runs = [aRun(), aRun({ attempt: '2.1', server: 'two' })];

    expect(judge(evidence({ attempts, runs }))).toEqual({ broken: [], reused: 0 });
  });

  test('tells of a job that never came to a result', () => {
    expect(judge(evidence({ unfinished: [7] })).broken).toEqual(['Job 7 never ended']);
  });

  test('tells of a job with the result of another', () => {
    const { broken } = judge(evidence({ attempts: [anAttempt({ result: 'FAILURE' })], runs: [aRun()] }));

    expect(broken).toEqual(['Job 1.1 ended with FAILURE instead of SUCCESS']);
  });

  test('tells of a job that was cut off while it ran', () => {
    const { broken } = judge(evidence({ attempts: [anAttempt()], runs: [aRun({ endedMs: undefined })] }));

    expect(broken).toEqual(['Job 1.1 ran on server one was cut off']);
  });

  test('tells of a job that ran and of which Zuul heard no result', () => {
    const { broken } = judge(evidence({ attempts: [anAttempt({ outcome: 'failed' })], runs: [aRun()] }));

    expect(broken).toEqual(['Job 1.1 ran on server one and Zuul heard "failed"']);
  });

  test('says nothing of a job that never began: Zuul starts it again', () => {
    expect(judge(evidence({ attempts: [anAttempt({ outcome: 'failed', result: undefined })] })).broken).toEqual([]);
  });

  test.each([
    ['gearmand', { outcome: 'disconnected' }, {}],
    ['jenkins', { outcome: 'exception' }, { endedMs: undefined }],
  ] as const)('takes what the death of %s does to a job for that', (part, attempt, run) => {
    const given = { attempts: [anAttempt(attempt)], runs: [aRun(run)] };

    expect(judge(evidence({ ...given, outages: away(part) })).broken).toEqual([]);
    expect(judge(evidence({ ...given, outages: away('cloud') })).broken).not.toEqual([]);
  });

  test('tells of a node that ran two jobs', () => {
    const attempts = [anAttempt(), anAttempt({ id: '2.1', job: 2 })];
    const runs = [aRun(), aRun({ attempt: '2.1', beganMs: MINUTE_MS })];

    expect(judge(evidence({ attempts, runs })).broken).toEqual([
      'Job 2.1 ran on server one, which had run a job before',
    ]);
  });

  test('only counts a second job where the first did not ask to go offline and no daemon was there to hear of it', () => {
    const runs = [aRun(), aRun({ attempt: '2.1', beganMs: MINUTE_MS })];
    const outages = away('daemon');
    const [silent, asking] = [false, true].map((asksOffline) => [
      anAttempt({ asksOffline }),
      anAttempt({ id: '2.1', job: 2 }),
    ]);

    expect(judge(evidence({ attempts: silent ?? [], runs, outages }))).toEqual({ broken: [], reused: 1 });
    expect(judge(evidence({ attempts: asking ?? [], runs, outages })).broken).toHaveLength(1);
  });
});
