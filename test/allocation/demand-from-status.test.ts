import { expect, test } from 'vitest';
import { demandFromStatus } from '../../src/allocation/demand-from-status.ts';
import { parseStatusText } from '../../src/allocation/parse-status-text.ts';

const demandOf = (...texts: string[]): Record<string, number> =>
  Object.fromEntries(demandFromStatus(texts.map(parseStatusText)));

test.each<{ what: string; text: string; demand: Record<string, number> }>([
  { what: 'a labelled job', text: 'build:unit:trusty\t3\t1\t9\n.\n', demand: { trusty: 3 } },
  { what: 'a job name with a namespace', text: 'build:org:proj:unit:trusty\t2\t0\t0', demand: { trusty: 2 } },
  { what: 'running jobs, whole', text: 'build:a:x\t2\t2\t2', demand: { x: 2 } },
  { what: 'several jobs of a label', text: 'build:a:x\t2\t0\t0\nbuild:b:x\t3\t0\t0', demand: { x: 5 } },
  { what: 'a job without label, by its listing', text: 'build:a:x\t0\t0\t1\nbuild:a\t4\t0\t0', demand: { x: 4 } },
  {
    what: 'its first listing, whatever the order',
    text: 'build:a\t4\t0\t0\nbuild:a:x\t1\t0\t0\nbuild:a:y\t1\t0\t0',
    demand: { x: 5, y: 1 },
  },
  { what: 'no job without any label', text: 'build:a\t4\t0\t0', demand: {} },
  {
    what: 'no other function',
    text: 'stop:jenkins\t4\t0\t0\nBUILD:a:x\t1\t0\t0\nset_description:a\t9\t0\t0',
    demand: {},
  },
  { what: 'no idle function', text: 'build:a:x\t0\t0\t5', demand: {} },
  { what: 'nothing below zero', text: 'build:a:x\t-2\t0\t5\nbuild:b:x\t1\t0\t0', demand: { x: 1 } },
  {
    what: 'an unreadable total as 0, yet as a listing',
    text: 'build:a:x\tmany\t0\t5\nbuild:a\t1\t0\t0',
    demand: { x: 1 },
  },
  { what: 'a line without a tab as 0, yet as a listing', text: 'build:a:x\nbuild:a\t1\t0\t0', demand: { x: 1 } },
  { what: 'names with spaces', text: 'build:my job:x\t2\t0\t0\r\n.\r\n', demand: { x: 2 } },
  {
    what: 'names that every object has',
    text: 'build:constructor:toString\t1\t0\t0\nbuild:constructor\t1\t0\t0',
    demand: { toString: 2 },
  },
])('demand counts $what', ({ text, demand }) => {
  expect(demandOf(text)).toEqual(demand);
});

test('demand adds up all servers, so a job may be queued on one and labelled on another', () => {
  expect(demandOf('build:a\t4\t0\t0\nbuild:b:x\t1\t0\t0', 'build:a:y\t1\t0\t0\nbuild:b:x\t2\t0\t0')).toEqual({
    x: 3,
    y: 5,
  });
});

test('a status text becomes rows with all four columns', () => {
  expect(parseStatusText('build:a:x\t3\t1\t9\n\nnode_assign:t\t 2 \t0\n.\n')).toEqual([
    { name: 'build:a:x', total: 3, running: 1, workers: 9 },
    { name: 'node_assign:t', total: 2, running: 0, workers: 0 },
  ]);
});
