import { expect, test } from 'vitest';
import { whileOffered } from '../../src/dib/await-builder.ts';
import { FakeBuilderJobs } from '../fakes/fake-builder-jobs.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

const wait = {
  what: 'disk image trusty',
  isOffered: ({ diskimages }: { readonly diskimages: ReadonlySet<string> }) => diskimages.has('trusty'),
};

/** A job that never ends by itself; tells whether it was let go. */
function endless(): { readonly work: (signal: AbortSignal) => Promise<never>; isAborted: boolean } {
  const job = {
    isAborted: false,
    work: (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          job.isAborted = true;
          reject(signal.reason as Error);
        });
      }),
  };
  return job;
}

test('a job whose builder is gone for ten minutes is let go, for Gearman would keep it for ever', async () => {
  const clock = new FakeClock();
  const jobs = new FakeBuilderJobs(['trusty']);
  const job = endless();
  const waiting = whileOffered(wait, job.work, { jobs, clock, signal: neverAborted });
  waiting.catch(() => undefined); // awaited below

  for (let minute = 0; minute < 90; minute += 1) await clock.advance(60_000);
  expect(job.isAborted).toBe(false);
  jobs.diskimages.clear();
  for (let minute = 0; minute < 9; minute += 1) await clock.advance(60_000);
  expect(job.isAborted).toBe(false);
  await clock.advance(60_000);

  await expect(waiting).rejects.toThrow('The builder was lost: nobody offers disk image trusty any more');
  expect(job.isAborted).toBe(true);
});

test('a builder that is back in time, or a Gearman server that is silent, ends no job', async () => {
  const clock = new FakeClock();
  const jobs = new FakeBuilderJobs([]);
  const job = endless();
  const waiting = whileOffered(wait, job.work, { jobs, clock, signal: neverAborted });
  waiting.catch(() => undefined); // it never ends

  for (let minute = 0; minute < 9; minute += 1) await clock.advance(60_000);
  jobs.diskimages.add('trusty');
  await clock.advance(60_000);
  jobs.isReachable = false;
  for (let minute = 0; minute < 60; minute += 1) await clock.advance(60_000);

  expect(job.isAborted).toBe(false);
});

test('what the job gives is given, and nobody looks at builders any more', async () => {
  const clock = new FakeClock();
  const jobs = new FakeBuilderJobs(['trusty']);

  expect(await whileOffered(wait, () => Promise.resolve(7), { jobs, clock, signal: neverAborted })).toBe(7);
  await clock.advance(600_000);

  expect(jobs.asked).toBe(0);
});
