import { describe, expect, test } from 'vitest';
import { TransientProviderError } from '../../../src/provider/errors.ts';
import { aNode, aReadyNode } from '../../builders/a-node.ts';
import { anImage } from '../../builders/an-image.ts';
import { aProviderSection, configOf } from '../../builders/config-of.ts';
import { aServer, FakeCloud } from '../../fakes/fake-cloud.ts';
import { FakeCommandContext } from '../../fakes/fake-command-context.ts';
import { aBuildServer, aNodeServer } from '../../pool/leaks/leak-bench.ts';
import { runCommand } from '../run-command.ts';

function aContext(...clouds: readonly FakeCloud[]): FakeCommandContext {
  const context = new FakeCommandContext();
  context.clouds = clouds;
  context.configuration = configOf({
    labels: [],
    providers: clouds.map(({ name }) => aProviderSection({ name })),
  });
  return context;
}

describe('alien-list', () => {
  test('shows the servers that no row has, with their public IPv4: others’ too', async () => {
    const addresses = [{ network: 'net', ip: '192.0.2.9', version: 4, kind: 'fixed' }] as const;
    const servers = [aServer('one', { name: 'theirs', addresses }), aServer('server-7'), aServer('build-3')];
    const context = aContext(new FakeCloud({ servers }));
    context.nodes.put(aReadyNode({ id: 7 }));
    context.images.put(anImage({ id: 3, state: 'building', serverExternalId: 'build-3' }));

    const table = await runCommand(['alien-list'], context);

    expect(table).toBe(
      [
        '+---------------+----------+-----------+-----------+',
        '| Provider      | Hostname | Server ID | IP        |',
        '+---------------+----------+-----------+-----------+',
        '| fake-provider | theirs   | one       | 192.0.2.9 |',
        '+---------------+----------+-----------+-----------+',
        '',
      ].join('\n'),
    );
  });

  test('leaves out a server whose create call is under way', async () => {
    const context = aContext(new FakeCloud({ servers: [aNodeServer('new', 7, { attempt: 'now' })] }));
    context.nodes.put(aNode({ id: 7, attempt: 'now' }));

    expect(await runCommand(['alien-list'], context)).not.toContain('new');
  });

  test('a provider that does not answer is told of, the others are shown, and the command fails', async () => {
    const [east, west] = [new FakeCloud({ name: 'east' }), new FakeCloud({ name: 'west', servers: ['one'] })];
    east.failNext('listServers', new TransientProviderError('Nova answers 503'));
    const context = aContext(east, west);

    const failure = await runCommand(['alien-list'], context).catch((error: unknown) => error);

    expect(context.told).toEqual(['Cannot list provider east: Nova answers 503']);
    expect(failure).toMatchObject({ message: 'Not all is shown: east did not answer' });
    expect((failure as { output: string }).output).toMatch(/\| west +\| one/);
  });

  test('an unknown provider is refused', async () => {
    const context = aContext(new FakeCloud());

    await expect(runCommand(['alien-list', 'north'], context)).rejects.toThrow('Provider north does not exist');
  });
});

test('alien-image-list shows images with our mark or Nova’s snapshot mark that no row has', async () => {
  const image = { name: 'template-trusty', status: 'active' };
  const context = aContext(
    new FakeCloud({
      images: [
        { ...image, id: 'ours', properties: { nodepool_provider_name: 'fake-provider' } },
        { ...image, id: 'upstreams', properties: { image_type: 'snapshot' } },
        { ...image, id: 'known', properties: { nodepool_provider_name: 'fake-provider' } },
        { ...image, id: 'base', properties: {} },
      ],
    }),
  );
  context.images.put(anImage({ externalId: 'known' }));

  const table = await runCommand(['alien-image-list', 'fake-provider'], context);

  expect(table).toContain('| Provider      | Name            | Image ID  |');
  expect([...table.matchAll(/template-trusty \| (\w+)/g)].map(([, id]) => id)).toEqual(['ours', 'upstreams']);
});

describe('reap', () => {
  test('shows the leaks of this installation and deletes nothing', async () => {
    const cloud = new FakeCloud({ servers: [aNodeServer('leaked', 7), aServer('theirs')] });
    const context = aContext(cloud);

    const table = await runCommand(['reap', 'fake-provider'], context);

    expect(table).toMatch(/\| server \| trusty-fake-provider-7.example.org \| leaked \| There is no node 7 \|/);
    expect(table).not.toContain('theirs');
    expect(context.told).toEqual(['Nothing was deleted: add --yes to delete these']);
    expect(cloud.servers.peekAll()).toHaveLength(2);
  });

  test('--yes deletes them, however many they are, but none with a running build', async () => {
    const servers = Array.from({ length: 30 }, (_, index) => aNodeServer(`leaked-${index}`, 100 + index));
    const cloud = new FakeCloud({ servers: [...servers, aBuildServer('build', 3)] });
    const context = aContext(cloud);
    context.agents.add({ nodename: 'trusty-fake-provider-100', busy: true });

    const failure = await runCommand(['reap', 'fake-provider', '--yes'], context).catch((error: unknown) => error);

    expect(failure).toMatchObject({ message: '1 of 31 stay' });
    expect((failure as { output: string }).output).toMatch(
      /provider-100.example.org \| stays: a build still runs on it/,
    );
    expect(cloud.servers.peekAll().map(({ id }) => id)).toEqual(['leaked-0']);
    expect(context.agents.killedBuilds).toEqual([]);
  });

  test('--yes is refused while the farm is frozen', async () => {
    const cloud = new FakeCloud({ servers: [aNodeServer('leaked', 7)] });
    const context = aContext(cloud);
    await context.farmFreeze.freeze({ who: 'cli:ada', why: 'restoring the database' });

    await expect(runCommand(['reap', 'fake-provider', '--yes'], context)).rejects.toThrow(
      'The farm is frozen (restoring the database): run "nodepool thaw" first',
    );
    expect(cloud.servers.peekAll()).toHaveLength(1);
  });
});
