import { expect, test } from 'vitest';
import { TaskBoard } from '../../src/runtime/task-board.ts';
import { FakeClock } from '../fakes/fake-clock.ts';

test('shows what each task waits on and since when, the oldest task first', async () => {
  const clock = new FakeClock(new Date('2026-01-01T00:00:00Z'));
  const board = new TaskBoard(clock);
  const first = board.start('Loop demand');
  await clock.advance(1000);
  board.start('NodeLauncher node 1');
  await clock.advance(1000);

  first.waitOn('gearmand');

  expect(board.list()).toEqual([
    {
      id: 1,
      name: 'Loop demand',
      startedAt: new Date('2026-01-01T00:00:00Z'),
      waitsOn: 'gearmand',
      waitsSince: new Date('2026-01-01T00:00:02Z'),
    },
    {
      id: 2,
      name: 'NodeLauncher node 1',
      startedAt: new Date('2026-01-01T00:00:01Z'),
      waitsOn: undefined,
      waitsSince: new Date('2026-01-01T00:00:01Z'),
    },
  ]);
});

test('forgets a task when its handle is disposed', () => {
  const board = new TaskBoard(new FakeClock());

  {
    using task = board.start('Loop demand');
    task.waitOn('gearmand');
  }

  expect(board.list()).toEqual([]);
});

test('is not told anything by a task that has ended: a late word must not bring it back', () => {
  const board = new TaskBoard(new FakeClock());
  const task = board.start('Loop demand');

  task[Symbol.dispose]();
  task.waitOn('gearmand');

  expect(board.list()).toEqual([]);
});

test('tells tasks of the same name apart', () => {
  const board = new TaskBoard(new FakeClock());
  const [one, two] = [board.start('check'), board.start('check')];

  one[Symbol.dispose]();
  two.waitOn('ssh');

  expect(board.list()).toMatchObject([{ id: 2, name: 'check', waitsOn: 'ssh' }]);
});
