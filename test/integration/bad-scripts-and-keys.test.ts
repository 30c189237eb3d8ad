import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeSshKeyPair } from '../peers/ssh-key-pair.ts';
import { type ConfigChanges, NAMES, writeScript } from './farm-config.ts';
import type { LoggedProcess } from './logged-process.ts';
import { FARM_MS, TestFarm } from './test-farm.ts';

type Running = { readonly farm: TestFarm; readonly daemon: LoggedProcess };

/** The id of the node that an error tells of. */
function nodeOf(line: string): { readonly id: number } {
  return { id: Number(/node[ =](?:id: )?(\d+)/.exec(line)?.[1]) };
}

/** Changes the configuration of a running daemon. */
async function reconfigure({ farm, daemon }: Running, changes: ConfigChanges): Promise<void> {
  const since = daemon.mark();
  farm.configure(changes);
  daemon.signal('SIGHUP');
  await daemon.logged(/Configuration .* was read again/, since);
}

describe.concurrent('what an operator wrote does not work', { timeout: FARM_MS }, () => {
  test('a private key that opens no node: its reason is told, and the right one mends it without a restart', async () => {
    await using farm = await TestFarm.start();
    const wrongKey = join(farm.folder, 'wrong-key');
    writeFileSync(wrongKey, makeSshKeyPair().private, { mode: 0o600 });
    farm.configure({ provider: { 'boot-timeout': 5 }, image: { 'private-key': wrongKey } });
    const daemon = await farm.startDaemon();

    const complaint = await daemon.logged(/ERROR.*Timeout launching .*Login refused as jenkins/);
    await reconfigure({ farm, daemon }, {});
    await farm.untilUsable();
    await farm.untilTidy();

    expect((await farm.historyOf(nodeOf(complaint))).join('\n')).toContain('Login refused as jenkins');
  });

  test('a ready script that fails: its words are told, its node is replaced, a better script mends it', async () => {
    await using farm = await TestFarm.start();
    writeScript(farm.folder, 'ready.sh', '#!/bin/sh\necho "no licence for $1"\nexit 3\n');
    const daemon = await farm.startDaemon();

    const complaint = await daemon.logged(/ERROR.*Ready script/);
    writeScript(farm.folder, 'ready.sh', '#!/bin/sh\necho fine\n');
    const update = await farm.nodepool('image-update', NAMES.provider, NAMES.image);
    await farm.untilUsable();
    await farm.untilTidy();

    const failed = nodeOf(complaint);
    expect(complaint).toContain(`Ready script ready.sh ended with status 3: no licence for unit-cloud-${failed.id}`);
    expect((await farm.historyOf(failed)).join('\n')).toContain('launchFailed by launcher: Ready script ready.sh');
    expect(update.exitCode).toBe(0);
  });

  test('a ready script that never ends: its node is given up after launch-timeout, and others are launched', async () => {
    await using farm = await TestFarm.start({ config: { provider: { 'launch-timeout': 15 } } });
    writeScript(farm.folder, 'ready.sh', '#!/bin/sh\nsleep 3600\n');
    const daemon = await farm.startDaemon();

    const complaint = await daemon.logged(/ERROR.*Timeout launching .*ready script ready\.sh/);
    await reconfigure({ farm, daemon }, { label: { 'ready-script': undefined } });
    await farm.untilUsable();
    await farm.untilTidy();

    expect(complaint).toContain('(15 s)');
  });

  test('a setup script that fails: its words are told, nothing is left of the build, a better script mends it', async () => {
    await using farm = await TestFarm.start();
    writeScript(farm.folder, 'setup.sh', '#!/bin/sh\necho "no mirror for $1"\nexit 7\n');
    const [logs, hook, told] = ['logs', 'hook', 'told'].map((name) => join(farm.folder, name));
    writeFileSync(hook ?? '', `#!/bin/sh\nenv >${told ?? ''}\necho "the pager is away"\nexit 3\n`, { mode: 0o755 });
    farm.configure({ top: { 'build-log-dir': logs, 'image-failure-hook': hook } });
    const daemon = await farm.startDaemon();

    const complaint = await daemon.logged(/ERROR.*Cannot build image/);
    const hooked = await daemon.logged(/WARNING.*The image-failure-hook failed/);
    const listed = await farm.nodepool('image-list');
    await farm.untilTidy();
    farm.repairScripts();
    await farm.nodepool('image-update', NAMES.provider, NAMES.image); // or the daemon's own next try was faster
    await farm.untilUsable();
    await farm.untilTidy();

    expect(complaint).toMatch(
      /image unit-image in cloud: .*setup\.sh ended with status 7: no mirror for template-unit-image-/,
    );
    expect(listed.exitCode).toBe(0);
    expect(listed.stderr).toContain('no mirror for template-unit-image-');
    const log = readFileSync(join(logs ?? '', 'cloud.unit-image-0000000001.log'), 'utf8');
    expect(log).toMatch(/^no mirror for template-unit-image-\d+\n$/);
    expect(hooked).toContain('ended with status 3: the pager is away');
    const facts = readFileSync(told ?? '', 'utf8').split('\n');
    expect(facts).toContain('NODEPOOL_IMAGE=unit-image');
    expect(facts.filter((fact) => fact.startsWith('NODEPOOL_SSH_KEY'))).toEqual([]);
  });

  test('an image that somebody deletes in the cloud: it is built anew, and launches go on with the new one', async () => {
    await using farm = await TestFarm.start();
    const daemon = await farm.startDaemon();
    const node = await farm.untilUsable();
    const [lost] = await farm.database.images.list({ states: ['ready'] });

    await farm.cloud.loseImage(lost?.externalId ?? '');
    const job = farm.submitJob();
    await farm.untilNode(node, 'used');
    await daemon.logged(/Image unit-image .* is gone from cloud/);
    await farm.finishJob(node);
    const next = await farm.untilUsable();
    await farm.untilNode(node, 'gone');
    await farm.untilTidy();

    expect(await job).toMatchObject({ result: 'SUCCESS', nodename: node.nodename });
    const [built] = await farm.database.images.list({ states: ['ready'] });
    expect(built?.id).not.toBe(lost?.id);
    expect(next.imageId).toBe(built?.id);
  });
});
