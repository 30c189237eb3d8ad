import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loopDevicesOf, processesOf } from '../builder/left-by-builds.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { until } from '../peers/until.ts';
import { BuilderProgram } from './builder-program.ts';

const SLOW = { timeout: 120_000 };
const REQUEST = { diskimage: 'trusty', dibImageId: 7 };

/** A build as far as its image is mounted, with a process in the background. The second try ends. */
const MOUNTS_AND_HANGS = `
[ ! -e "$HOME/second" ] || { echo image >"$out.qcow2"; exit 0; }
truncate -s 16M "$TMP_DIR/image.raw"
mkfs.ext4 -q "$TMP_DIR/image.raw"
mkdir "$TMP_DIR/mnt"
mount -o loop "$TMP_DIR/image.raw" "$TMP_DIR/mnt"
sleep 1000 &
echo half >"$out.qcow2"
echo "it is mounted"
sleep 1000
`;

test(
  'builds what a daemon asks for, offers its files, also after a restart, and ends when it is told to',
  SLOW,
  async () => {
    await using bench = await BuilderProgram.open();
    bench.write('build.sh', 'echo image >"$out.qcow2"');
    {
      await using builder = await bench.running();

      expect(await bench.jobs.build(REQUEST, neverAborted)).toMatchObject({ filename: join(bench.imagesDir, '7') });

      builder.kill('SIGTERM');
      expect(await builder.ended).toEqual({ status: 0, signal: null });
      expect(builder.stderr).toContain('The image builder has stopped');
    }
    await using _again = await bench.running();
    await bench.untilOffered('the build is offered', ({ dibImageIds }) => dibImageIds.has(7));

    await bench.jobs.remove(7, neverAborted);

    expect(bench.files).toEqual([]);
  },
);

test(
  'killed in the middle of a build: mounts and processes end with it, the next start removes the rest and builds',
  SLOW,
  async () => {
    await using bench = await BuilderProgram.open();
    bench.write('build.sh', MOUNTS_AND_HANGS);
    await using builder = await bench.running();
    const built = bench.jobs.build(REQUEST, neverAborted);
    await builder.untilSaid('it is mounted');
    expect(processesOf(bench.folder).length).toBeGreaterThan(0);
    expect(loopDevicesOf(bench.folder)).toHaveLength(1);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(bench.folder);

    builder.kill('SIGKILL');
    await builder.ended;
    await untilNoProcess(bench);
    expect(bench.files).toMatchObject([expect.stringMatching(/^[.]build-7-/)]);

    bench.write('second', '');
    await using again = await bench.running();
    expect(await built).toMatchObject({ formats: ['qcow2'] }); // gearmand gives it to the next one
    expect(again.stderr).toContain('Removing what a build left that did not end');
    expect(loopDevicesOf(bench.folder)).toEqual([]);
    expect(bench.files).toEqual(['7.qcow2']);
  },
);

test('a second signal ends it at once, and its build with it', SLOW, async () => {
  await using bench = await BuilderProgram.open();
  bench.write('build.sh', MOUNTS_AND_HANGS);
  await using builder = await bench.running();
  const stop = new AbortController();
  const left = expect(bench.jobs.build(REQUEST, stop.signal)).rejects.toThrow('over');
  await builder.untilSaid('it is mounted');

  builder.kill('SIGTERM');
  await builder.untilSaid('a second signal stops at once');
  builder.kill('SIGTERM');

  expect(await builder.ended).toEqual({ status: 1, signal: null });
  await untilNoProcess(bench);
  stop.abort(new Error('over'));
  await left;
  await using _again = await bench.running();
  expect(bench.files).toEqual([]);
  expect(loopDevicesOf(bench.folder)).toEqual([]);
});

test('an account that is not root can build too, says what that means, and tidies up what it can', SLOW, async () => {
  await using bench = await BuilderProgram.open();
  chmodSync(bench.folder, 0o777);
  bench.write('build.sh', 'trap "echo tidied; exit 1" TERM; touch $TMPDIR/left; echo begun; sleep 1000 & wait');
  bench.writeConfig(['trusty'], { 'build-log-dir': join(bench.folder, 'logs') });
  await using builder = bench.startAs({ uid: 65_534, gid: 65_534 }, '-d');
  await builder.untilSaid('a build that is killed may leave mounts and processes');
  const lost = expect(bench.jobs.build(REQUEST, neverAborted)).rejects.toMatchObject({ kind: 'lost' });
  await builder.untilSaid('begun');

  await bench.loseGearman(); // nobody waits for the build any more

  await lost;
  await builder.untilSaid('Job image-build:trusty is left');
  expect(readFileSync(join(bench.folder, 'logs/trusty-0000000007.log'), 'utf8')).toBe('begun\ntidied\n');
  expect(bench.files).toEqual([]);
  expect(processesOf(bench.folder)).toEqual([]);
});

test('SIGHUP makes it offer the disk images of the changed file, and those only', SLOW, async () => {
  await using bench = await BuilderProgram.open();
  await using builder = await bench.running();
  await bench.untilOffered('the first is offered', ({ diskimages }) => diskimages.has('trusty'));

  bench.writeConfig(['xenial']);
  builder.kill('SIGHUP');

  await bench.untilOffered(
    'the other is offered',
    ({ diskimages }) => diskimages.has('xenial') && !diskimages.has('trusty'),
  );
});

test('in the background it writes its pid file, and takes it away in the end', SLOW, async () => {
  await using bench = await BuilderProgram.open();
  const pidfile = join(bench.folder, 'run', 'builder.pid');
  await using starter = bench.start('-p', pidfile);
  expect(await starter.ended).toEqual({ status: 0, signal: null });
  const pid = Number(readFileSync(pidfile, 'utf8'));
  expect(statSync(`/proc/${pid}`).isDirectory()).toBe(true);

  process.kill(pid, 'SIGTERM');

  await until('it has ended', () => Promise.resolve(!existsSync(`/proc/${pid}`)), 30_000);
  expect(existsSync(pidfile)).toBe(false);
});

describe('it refuses to start', () => {
  test.each([
    [{ 'images-dir': null }, 2, 'The builder needs "images-dir"'],
    [{ 'gearman-servers': [] }, 2, 'The builder needs "gearman-servers"'],
    [{ 'images-dir': '/dev/null/images' }, 1, 'Cannot use images-dir "/dev/null/images": '],
    [{ diskimages: [{}] }, 2, 'diskimages'],
  ])('with %j: status %i', SLOW, async (keys, status, reason) => {
    await using bench = await BuilderProgram.open();
    bench.writeConfig([], keys);
    await using builder = bench.start('-d');

    expect(await builder.ended).toEqual({ status, signal: null });
    expect(builder.stderr).toContain(reason);
  });
});

async function untilNoProcess({ folder }: BuilderProgram): Promise<void> {
  await until('its processes have ended', () => Promise.resolve(processesOf(folder).length === 0), 30_000);
}
