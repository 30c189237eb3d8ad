import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { TransientProviderError } from '../../../src/provider/errors.ts';
import { aNode, aReadyNode } from '../../builders/a-node.ts';
import { anImage } from '../../builders/an-image.ts';
import { aProviderSection, configOf } from '../../builders/config-of.ts';
import { aPort, aServer, FakeCloud } from '../../fakes/fake-cloud.ts';
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

  test('a provider that is silent is said after three seconds, and the others are printed without it', async () => {
    const [east, west] = [new FakeCloud({ name: 'east' }), new FakeCloud({ name: 'west', servers: ['one'] })];
    east.hangNext('listServers');
    const context = aContext(east, west);
    const stop = new AbortController();

    const command = runCommand(['alien-list'], context, stop.signal);
    command.catch(() => undefined); // awaited below
    await context.clock.untilSleeping(2);
    await context.clock.advance(2_999);
    expect([context.printed, context.told]).toEqual(['', []]);
    await context.clock.advance(1);

    expect(context.told).toEqual([
      'Waiting for the cloud of provider east (http://127.0.0.1:9/v3) to answer, at most 60 s for each call',
    ]);
    expect(context.printed).toMatch(/^\+-[^]*\| west +\| one [^]*\n$/);
    stop.abort(new Error('Interrupted'));
    await expect(command).rejects.toThrow('Interrupted');
  });

  test.each([
    ['answers with nothing after all', undefined, ''],
    ['answers after all', 'two', /^\+-[^]*\| east +\| two/],
  ])('what a silent provider %s is printed alone', async (_what, server, rest) => {
    const east = new FakeCloud({ name: 'east', servers: server === undefined ? [] : [server] });
    const context = aContext(east, new FakeCloud({ name: 'west', servers: ['one'] }));
    const answer = new AbortController();
    const list = east.listServers.bind(east);
    east.listServers = async (signal) => {
      await once(answer.signal, 'abort');
      return await list(signal);
    };

    const command = runCommand(['alien-list'], context);
    await context.clock.untilSleeping(2);
    await context.clock.advance(3_000);
    answer.abort();
    const text = await command;

    expect(context.printed).toMatch(/west/);
    expect(text).toMatch(rest);
    expect(text).not.toContain('west');
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

  test('says what it waits for where the cloud is silent', async () => {
    const cloud = new FakeCloud({ servers: [] });
    cloud.hangNext('listServers');
    const context = aContext(cloud);
    const stop = new AbortController();

    const command = runCommand(['reap', 'fake-provider'], context, stop.signal);
    command.catch(() => undefined); // awaited below
    await context.clock.untilSleeping();
    await context.clock.advance(3_000);

    expect(context.told).toEqual([expect.stringMatching(/^Waiting for the cloud of provider fake-provider /)]);
    stop.abort(new Error('Interrupted'));
    await expect(command).rejects.toThrow('Interrupted');
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

  test('shows ports that servers of ours left, and deletes them with --yes', async () => {
    const cloud = new FakeCloud();
    const context = aContext(cloud);
    cloud.leftPorts.set('left', aPort('server-7', { id: 'left' })).set('theirs', aPort('another', { id: 'theirs' }));
    context.history.add({ subject: 'node', subjectId: 7, event: 'removed', why: 'test', who: 'test' }, ['server-7']);

    const shown = await runCommand(['reap', 'fake-provider'], context);
    const reaped = await runCommand(['reap', 'fake-provider', '--yes'], context);

    expect(shown).toMatch(/\| port +\| +\| left +\| Its server server-7 is gone \|/);
    expect(context.told).toEqual(['Nothing was deleted: add --yes to delete these']);
    expect(reaped).toMatch(/\| port left \| deleted \|/);
    expect([...cloud.leftPorts.keys()]).toEqual(['theirs']);
  });

  test('tells why the ports are not known, and of the servers all the same', async () => {
    const cloud = new FakeCloud({ servers: [aNodeServer('leaked', 7)] });
    const context = aContext(cloud);
    cloud.failNext('listPorts', new TransientProviderError('Neutron answers 503'));

    const shown = await runCommand(['reap', 'fake-provider'], context);

    expect(shown).toContain('There is no node 7');
    expect(context.told[0]).toBe('Cannot list the ports: Neutron answers 503');
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
