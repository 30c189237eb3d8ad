import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigWatch } from '../../src/assembly/config-watch.ts';
import { ConfigError } from '../../src/config/config-fault.ts';
import type { Config } from '../../src/config/config.ts';
import { aProviderSection, yamlOf } from '../builders/config-of.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { RecordingLogger } from '../fakes/recording-logger.ts';

let folder: string;
let clock: FakeClock;
let log: RecordingLogger;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'np-watch-'));
  clock = new FakeClock();
  log = new RecordingLogger();
  write(yamlOf());
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function write(text: string, name = 'nodepool.yaml'): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 });
}

async function open(): Promise<ConfigWatch> {
  return await ConfigWatch.open(
    { config: join(folder, 'nodepool.yaml'), secure: join(folder, 'secure.conf') },
    { clock, log },
  );
}

/** A reload that finds no file, or a broken one, looks again a moment later. */
async function reloadInTwoLooks(watch: ConfigWatch): Promise<Config | undefined> {
  const reload = watch.reload(neverAborted);
  await clock.untilSleeping();
  await clock.advance(1500);
  return await reload;
}

const BROKEN = 'labels: []\nproviders: []\ntargets: []\ncron: 7\n';

test('nothing changed: there is no new configuration', async () => {
  const watch = await open();

  expect(await watch.reload(neverAborted)).toBeUndefined();
  expect(log.messages('info')).toEqual([]);
});

test('a change of nodepool.yaml is a new configuration', async () => {
  const watch = await open();
  write(yamlOf({ providers: [aProviderSection({ 'max-servers': 7 })] }));

  const config = await watch.reload(neverAborted);

  expect(config?.providers[0]?.maxServers).toBe(7);
  expect(watch.config).toBe(config);
  expect(await watch.reload(neverAborted)).toBeUndefined();
});

test('a change of secure.conf is a new configuration', async () => {
  const watch = await open();
  write('[database]\ndburi=postgresql://nodepool@db/nodepool\n', 'secure.conf');

  expect((await watch.reload(neverAborted))?.databaseUrl).toBeDefined();
});

test('a secure.conf that vanishes keeps the last good configuration: no target loses its Jenkins by a mishap', async () => {
  write('[jenkins "fake-target"]\nurl=https://jenkins.example.org\n', 'secure.conf');
  const watch = await open();

  unlinkSync(join(folder, 'secure.conf'));
  const [once, twice] = [await reloadInTwoLooks(watch), await reloadInTwoLooks(watch)];
  write('[jenkins "fake-target"]\nurl=https://jenkins.example.org\n', 'secure.conf');
  const back = await watch.reload(neverAborted);

  expect([once, twice, back]).toEqual([undefined, undefined, undefined]);
  expect(log.messages('error')).toEqual([
    `The configuration is not usable, the last good one stays in force: ${join(folder, 'secure.conf')} is gone; ` +
      'to do without it, restart the daemon',
  ]);
});

test('a broken file keeps the last good configuration and is one line with its place, once', async () => {
  const watch = await open();
  const { config } = watch;
  write(BROKEN);

  expect(await reloadInTwoLooks(watch)).toBeUndefined();
  expect(await watch.reload(neverAborted)).toBeUndefined();

  expect(watch.config).toBe(config);
  expect(log.messages('error')).toEqual([
    expect.stringMatching(
      /^The configuration is not usable, the last good one stays in force: [^\n]*nodepool.yaml:4:7: cron: [^\n]*$/,
    ),
  ]);
});

test('another fault is said anew, and the mended file is in force', async () => {
  const watch = await open();
  write(BROKEN);
  await reloadInTwoLooks(watch);
  write('labels:\n\t- x\n');
  await reloadInTwoLooks(watch);

  write(yamlOf());
  const mended = await watch.reload(neverAborted);

  expect(log.messages('error')).toHaveLength(2);
  expect(log.messages('error')[1]).toMatch(/nodepool.yaml:2:1: /);
  expect(mended?.providers).toHaveLength(1);
});

test('a file that is replaced in two steps was never away', async () => {
  const watch = await open();
  write(yamlOf({ labels: [] }), 'new.yaml');
  unlinkSync(join(folder, 'nodepool.yaml'));

  const reload = watch.reload(neverAborted);
  await clock.untilSleeping();
  renameSync(join(folder, 'new.yaml'), join(folder, 'nodepool.yaml'));
  await clock.advance(1500);

  expect((await reload)?.labels).toEqual([]);
  expect(log.messages('error')).toEqual([]);
});

test.each(['', 'labels:\n  - name: "half wri'])(
  'a file that is seen half written (%j) is no broken file',
  async (half) => {
    const watch = await open();
    write(half);

    const reload = watch.reload(neverAborted);
    await clock.untilSleeping();
    write(yamlOf({ labels: [] }));
    await clock.advance(1500);

    expect((await reload)?.labels).toEqual([]);
    expect(log.messages('error')).toEqual([]);
  },
);

test('a file that is away is said once, and changes nothing', async () => {
  const watch = await open();
  unlinkSync(join(folder, 'nodepool.yaml'));

  await reloadInTwoLooks(watch);
  await reloadInTwoLooks(watch);

  expect(watch.config.providers).toHaveLength(1);
  expect(log.messages('error')).toEqual([expect.stringMatching(/stays in force: Unable to read configuration file /)]);
});

test('a stop while it waits for the file ends the wait', async () => {
  const watch = await open();
  unlinkSync(join(folder, 'nodepool.yaml'));
  const stop = new AbortController();
  const reload = watch.reload(stop.signal);
  await clock.untilSleeping();

  stop.abort(new Error('Stopped'));

  await expect(reload).rejects.toThrow('Stopped');
  expect(log.messages('error')).toEqual([]);
});

test('warnings are logged at the start and at each change', async () => {
  write(yamlOf({ 'script-dir': folder, cron: { 'update-image': '14 2 * * *' } }));

  const watch = await open();
  write(yamlOf({ 'script-dir': folder, croon: {} }));
  await watch.reload(neverAborted);

  expect(log.messages('warn')).toEqual([
    expect.stringMatching(/nodepool.yaml:\d+:\d+: cron.update-image: /),
    expect.stringMatching(/nodepool.yaml:\d+:\d+: croon: /),
  ]);
});

test('a script-dir that is not there is a warning, for it may be mounted later', async () => {
  write(yamlOf({ 'script-dir': join(folder, 'scripts') }));

  await open();

  expect(log.messages('warn')).toEqual([
    expect.stringMatching(/nodepool.yaml:2:17: script-dir: There is no folder ".*scripts": images with "setup" cannot/),
  ]);
});

test('another database is a warning once, because only a restart goes over to it, and the old one again is none', async () => {
  const secure = (name: string): void => {
    write(`[database]\ndburi=postgresql://nodepool:hunter2@db/${name}\n`, 'secure.conf');
  };
  const yaml = (extra = {}): void => {
    write(yamlOf({ 'script-dir': folder, ...extra }));
  };
  yaml();
  secure('one');
  const watch = await open();

  secure('two');
  await watch.reload(neverAborted);
  yaml({ 'max-hold-age': 5 });
  await watch.reload(neverAborted);
  secure('one');
  await watch.reload(neverAborted);
  write('', 'secure.conf');
  await watch.reload(neverAborted);

  const message = 'the one of the start stays in use: restart nodepoold to use the new one';
  expect(log.messages('warn')).toEqual([
    `${folder}/secure.conf:2:1: dburi: The database changed, and ${message}`,
    `Key "dburi" is gone: The database changed, and ${message}`,
  ]);
});

test('at the start a broken file is an error with all its faults, and a missing one says its path', async () => {
  write(BROKEN);
  const broken = open();
  await expect(broken).rejects.toThrow(ConfigError);
  await expect(broken).rejects.toThrow(/nodepool.yaml:4:7: cron: /);

  unlinkSync(join(folder, 'nodepool.yaml'));
  await expect(open()).rejects.toThrow(/^Unable to read configuration file .*nodepool.yaml: there is no such file$/);
});
