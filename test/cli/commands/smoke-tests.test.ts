import { expect, test } from 'vitest';
import { aNode } from '../../builders/a-node.ts';
import { anImage } from '../../builders/an-image.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { runCommand } from '../run-command.ts';

const WAITING = anImage({ id: 7, state: 'building', step: 'smoke-test' });

test.each(['image-list', 'image-status'])(
  '%s tells which images wait for their smoke test, beside the table, whose words programs rely on',
  async (command) => {
    const context = new FakeCommandContext();
    context.images.put(WAITING);
    context.nodes.put(aNode({ id: 12, smokeImageId: 7 }));

    const table = await runCommand([command], context);

    expect(table).toContain('building');
    expect(context.told).toEqual([
      'Image trusty on fake-provider, id 7, waits for its smoke test: node 12 is launched from it',
    ]);
  },
);

test.each([
  [{}, 'no node is launched from it yet'],
  [{ failedLaunches: 2, lastError: 'Node 9: No ssh' }, 'no node is launched from it yet, 2 failed: Node 9: No ssh'],
  [{ launchedAt: new Date(0) }, 'it passed'],
])('it says how far the smoke test is', async (facts, progress) => {
  const context = new FakeCommandContext();
  context.images.put({ ...WAITING, ...facts });

  await runCommand(['image-list'], context);

  expect(context.told).toEqual([`Image trusty on fake-provider, id 7, waits for its smoke test: ${progress}`]);
});
