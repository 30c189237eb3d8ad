import { expect, test } from 'vitest';
import { PriorityLine } from '../../src/runtime/priority-line.ts';
import { neverAborted } from '../fakes/never-aborted.ts';

/** Joins as `name` and notes when it is let through. */
function joiner(line: PriorityLine, admitted: string[]) {
  return async (name: string, priority: number, signal = neverAborted): Promise<void> => {
    await line.join(priority, signal);
    admitted.push(name);
  };
}

test('lets the most urgent through first, and equals in the order of their coming', async () => {
  const line = new PriorityLine();
  const admitted: string[] = [];
  const join = joiner(line, admitted);
  const all = [join('low', -1), join('first', 0), join('second', 0), join('high', 5)];

  for (let n = 0; n < 4; n += 1) line.admitNext();
  await Promise.all(all);

  expect(admitted).toEqual(['high', 'first', 'second', 'low']);
  expect(line.size).toBe(0);
});

test('who is aborted leaves and is not counted; the others keep their places', async () => {
  const line = new PriorityLine();
  const admitted: string[] = [];
  const join = joiner(line, admitted);
  const patience = new AbortController();
  const given = join('given up', 9, patience.signal);
  const stays = join('stays', 0);

  patience.abort(new Error('Enough'));
  await expect(given).rejects.toThrow('Enough');
  expect(line.size).toBe(1);
  line.admitNext();
  await stays;

  expect(admitted).toEqual(['stays']);
});

test('who is aborted already does not join', async () => {
  const line = new PriorityLine();

  await expect(line.join(0, AbortSignal.abort(new Error('Too late')))).rejects.toThrow('Too late');
  expect(line.size).toBe(0);
});

test('an abort after the admission changes nothing', async () => {
  const line = new PriorityLine();
  const patience = new AbortController();
  const joined = line.join(0, patience.signal);

  line.admitNext();
  patience.abort(new Error('Too late'));

  await expect(joined).resolves.toBeUndefined();
});

test('admits nobody where nobody waits', () => {
  const line = new PriorityLine();

  line.admitNext();

  expect(line.size).toBe(0);
});
