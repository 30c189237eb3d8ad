/** The demonstration: the whole chain on one machine, each promise checked by looking. Exits non-zero if one fails. */
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { farmFolder } from '../../devfarm/farm/farm-folder.ts';
import { ensureBaseTar } from '../../devfarm/instances/base-image.ts';
import { detectHostMode } from '../../devfarm/instances/host-mode.ts';
import { chooseFarmNetwork } from '../../devfarm/instances/own-network.ts';
import { describeError } from '../../src/runtime/errors.ts';
import { DEMO_FARM, DemoFarm, OWN_NETWORK } from './demo-farm.ts';
import { demonstrateDiskImages } from './demonstrate-disk-images.ts';
import { assertNothingLeft } from './nothing-left.ts';
import { Progress } from './progress.ts';
import { useNodes } from './use-nodes.ts';

removeLockAtEnd();
await enterNetwork();

const JOBS = Number(argumentOf('--jobs') ?? 6);
const progress = new Progress();
const farm = new DemoFarm(progress);

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => {
    progress.fail(`Interrupted by ${name}: end what runs with "scripts/demo --stop"`);
    process.exit(130);
  });
}
if (!process.argv.includes('--stop') && farm.isRunning()) {
  progress.fail('A kept demo farm is still up: look at it, or end it with "scripts/demo --stop"');
  process.exit(1);
}
try {
  if (process.argv.includes('--stop')) await stop();
  else await demonstrate();
} catch (error) {
  progress.fail(describeError(error));
  process.exitCode = 1;
  await farm.tellLogs();
  if (!process.argv.includes('--keep')) await farm.stop().catch(() => undefined); // what failed was told above
}

/** What scripts/demo locked, while it is still locked: by the process that holds it, which is the outermost. */
function removeLockAtEnd(): void {
  const lock = process.env['NODEPOOL_DEMO_LOCK'] ?? '';
  if (lock === '' || process.env[OWN_NETWORK] === '1') return;
  process.once('exit', () => {
    rmSync(lock, { force: true });
  });
}

/** All that talks to the machines must be where they are: if port 22 is taken here, that is a network of the farm's own. */
async function enterNetwork(): Promise<void> {
  const { instances } = farmFolder(DEMO_FARM);
  const mode = await detectHostMode();
  const network = await chooseFarmNetwork({ stateDir: instances, port: mode.defaultPort });
  if (network.kind === 'host') return;
  await ensureBaseTar({}, mode); // from in there no package can be had
  const [program = '', ...words] = [...network.prefix, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(program, words, { stdio: 'inherit', env: { ...process.env, [OWN_NETWORK]: '1' } });
  process.exit(
    await new Promise<number>((resolve) =>
      child.once('exit', (status) => {
        resolve(status ?? 1);
      }),
    ),
  );
}

async function demonstrate(): Promise<void> {
  if (existsSync(farm.root)) {
    if (farm.isRunning())
      throw new Error('A kept demo farm is still up: look at it, or end it with "scripts/demo --stop"');
    progress.note('removing what an interrupted demo left');
    await farm.stop();
  }
  await farm.startPeers();
  if (process.argv.includes('--dib')) await demonstrateDiskImages(JOBS, { farm, progress });
  else await demonstrateSnapshots();
  if (process.argv.includes('--keep')) farm.tellHowToLook();
  else await stop();
}

async function demonstrateSnapshots(): Promise<void> {
  await farm.startNodepool();
  const image = await farm.awaitImage();
  progress.check(`snapshot image built from the base image: ${image}`);
  const ready = await farm.awaitReady(2);
  progress.check(`min-ready nodes are ready: ${ready.map(({ id }) => id).join(', ')}`);
  const held = await farm.holdOne();
  await farm.awaitReady(2);
  await farm.awaitNoAgent(held);
  progress.check(`node ${held.id} is held and out of Jenkins, and the pool refilled itself`);
  await useNodes(JOBS, { farm, progress });
  const refilled = await farm.awaitReady(2);
  progress.check(`the pool is refilled: ${refilled.map(({ id }) => id).join(', ')}`);
  progress.print(await farm.nodepool('list'));
  progress.print(await farm.nodepool('history', String(held.id)));
  await farm.assertHeld(held);
  progress.check(`node ${held.id} is still held, and its machine answers`);
}

async function stop(): Promise<void> {
  await farm.stop();
  assertNothingLeft(farm.root);
  progress.check('everything is stopped: no process, no mount, no loop device, no file is left');
}

function argumentOf(name: string): string | undefined {
  const index = process.argv.indexOf(name);
  return index === -1 ? undefined : process.argv[index + 1];
}
