import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { GearmanClient } from '../../../src/gearman/gearman-client.ts';
import { neverAborted } from '../../fakes/never-aborted.ts';

/** A job that was submitted to gearmand before the recorded Jenkins, and what came back: packet and its text. */
export type RecordedJob = {
  readonly function: string;
  readonly data: string;
  readonly answers: readonly string[];
};

const RECORDED_BASE = 'http://127.0.0.1:22080';
const JOB_MS = 15_000;

/** The job with that unique id in a file of test/fixtures/jenkins. @throws {Error} there is none */
export function recordedJob(file: string, unique: string): RecordedJob {
  const lines = linesOf(file);
  const at = lines.findIndex((line) => line.includes(` unique=${unique} `));
  const [, name = '', data = ''] = /^> SUBMIT_JOB (\S+) unique=\S+ (.*)$/.exec(lines[at] ?? '') ?? [];
  const handle = /JOB_CREATED \['([^']+)'\]/.exec(lines[at + 1] ?? '')?.[1];
  if (handle === undefined) throw new Error(`There is no job "${unique}" in ${file}.txt`);
  const answers = lines
    .slice(at + 2)
    .filter((line) => line.includes(`'${handle}'`))
    .map((line) => answerOf(line));
  return { function: name, data, answers };
}

function answerOf(line: string): string {
  const [, type = '', texts = ''] = /^< \S+ (\w+) \['[^']*'(.*)\]$/.exec(line) ?? [];
  const [text = ''] = [...texts.matchAll(/'([^']*)'/g)].map((match) => match[1] ?? '');
  // Measured times: that there are two numbers is all that can be the same.
  return type === 'WORK_STATUS' ? type : `${type} ${text.replaceAll(RECORDED_BASE, 'BASE')}`;
}

/** The n-th listing of gearmand's functions in a file, sorted. */
export function recordedStatus(file: string, index: number): readonly string[] {
  const blocks = linesOf(file).join('\n').split('# status\n').slice(1);
  const [block = ''] = (blocks[index] ?? '').split('# workers');
  return block.trim().split('\n').sort();
}

/** The named workers of the n-th listing in a file and the functions of each, sorted. */
export function recordedWorkers(file: string, index: number): readonly string[] {
  const block = linesOf(file).join('\n').split('# workers\n')[index + 1] ?? '';
  const rows = [...block.matchAll(/^\d+ \S+ (\S+) :(.*)$/gm)];
  const named = rows.filter(([, id]) => id !== '-');
  return named
    .map(([, id = '', functions = '']) => [id, ...functions.trim().split(' ').sort()].join(' ').trim())
    .sort();
}

/** Submits the recorded job, and expects the recorded answers. */
export async function replayJob(job: RecordedJob, client: GearmanClient, base: string): Promise<void> {
  const said: string[] = [];
  const outcome = await client.submit(
    {
      function: job.function,
      data: job.data,
      deadlineMs: JOB_MS,
      onProgress: (one) => {
        said.push(one.type === 'status' ? 'WORK_STATUS' : `WORK_DATA ${one.data.toString()}`);
      },
    },
    neverAborted,
  );
  said.push(outcome.type === 'completed' ? `WORK_COMPLETE ${outcome.result.toString()}` : 'WORK_FAIL ');
  expect(said.map((text) => text.replaceAll(base, 'BASE'))).toEqual(job.answers);
}

function linesOf(file: string): readonly string[] {
  return readFileSync(new URL(`../../fixtures/jenkins/${file}.txt`, import.meta.url), 'utf8').split('\n');
}
