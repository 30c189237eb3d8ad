import type { Config, ProviderConfig } from '../../config/config.ts';
import type { ImageStore } from '../../image/image-store.ts';
import { newVersion } from '../../image/image-rules.ts';
import type { SnapshotImage } from '../../image/snapshot-image.ts';
import { asError } from '../../runtime/errors.ts';
import { chosenProviders } from '../chosen-providers.ts';
import { type CommandContext, defineCommand, UsageError } from '../command.ts';
import { refuseWhileFrozen } from '../refuse-while-frozen.ts';

/** A daemon that runs begins a build at once; after so long there is none. */
const PICK_UP_MS = 20_000;
/** Longer than all the deadlines of a build together: whoever was building is gone, and nobody follows. */
const BUILD_MS = 14 * 3_600_000;
const POLL_MS = 500;

export const imageUpdate = defineCommand({
  name: 'image-update',
  summary: 'Build a new image in a provider (or in all) and wait until it is ready',
  positionals: [
    { name: 'provider', summary: 'the provider, or "all"' },
    { name: 'image', summary: 'the image' },
  ],
  async run({ positionals }, context, signal) {
    const image = positionals['image'] ?? '';
    const providers = findProviders(await context.config(), positionals['provider'] ?? '', image);
    const stores = await context.stores();
    await refuseWhileFrozen(stores);
    const { images } = stores;
    const outcomes = await Promise.allSettled(
      providers.map(async (provider) => {
        const row = await requestBuild({ provider, image }, images, context);
        await awaitBuild(row, { images, context }, signal);
      }),
    );
    signal.throwIfAborted(); // the builds go on without us
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    if (failed.length > 0) throw new UsageError(failed.map(({ reason }) => asError(reason).message).join('\n'));
    return '';
  },
});

function findProviders(config: Config, provider: string, image: string): readonly string[] {
  const owners = chosenProviders(provider === 'all' ? undefined : provider, config);
  const isUsed = config.labels.some((label) => label.image === image);
  if (!isUsed) throw new UsageError(`Image specified, ${image}, is not in use.`);
  const having = owners.filter((each) => each.images.some(({ name }) => name === image));
  if (having.length === 0) throw new UsageError(`Image ${image} not in use by provider ${provider}`);
  for (const each of having) refuseDiskImage(each, image);
  return having.map(({ name }) => name);
}

function refuseDiskImage(provider: ProviderConfig, image: string): void {
  const section = provider.images.find(({ name }) => name === image);
  if (section?.diskimage !== undefined) {
    throw new UsageError(
      `Image ${image} of ${provider.name} is built by diskimage-builder, which is not supported yet`,
    );
  }
}

async function requestBuild(
  wanted: { readonly provider: string; readonly image: string },
  images: ImageStore,
  context: CommandContext,
): Promise<SnapshotImage> {
  const version = newVersion(wanted, await images.list(wanted), context.clock.now());
  const cause = { who: `cli:${context.user}`, why: 'image-update' };
  const row = await images.insert({ ...wanted, version }, cause);
  if (row === undefined) throw new UsageError(`Image ${wanted.image} on ${wanted.provider} is already being built`);
  return row;
}

async function awaitBuild(
  row: SnapshotImage,
  deps: { readonly images: ImageStore; readonly context: CommandContext },
  signal: AbortSignal,
): Promise<void> {
  const { images, context } = deps;
  const startedMs = context.clock.monotonicMs();
  let before = row;
  for (;;) {
    const now = await images.find(row.id);
    if (now?.state !== 'building') {
      await tellEnd(now ?? { ...row, state: 'delete' }, deps);
      return;
    }
    if (now.step !== before.step && now.step !== undefined) context.tell(`${describe(row)}: ${now.step}`);
    before = now;
    await limitWait(now, context.clock.monotonicMs() - startedMs, images);
    await context.clock.sleep(POLL_MS, signal);
  }
}

/** @throws {UsageError} nobody took the build up, or it takes longer than any build may */
async function limitWait(row: SnapshotImage, waitedMs: number, images: ImageStore): Promise<void> {
  if (row.step === undefined && waitedMs > PICK_UP_MS) await withdraw(row, images);
  if (waitedMs > BUILD_MS) throw new UsageError(`${describe(row)} is still in step "${row.step ?? 'none'}" after 14 h`);
}

async function tellEnd(
  row: SnapshotImage,
  { images, context }: { readonly images: ImageStore; readonly context: CommandContext },
): Promise<void> {
  if (row.state !== 'ready') throw new UsageError(`${describe(row)} failed: ${await reasonOf(row, images)}`);
  context.tell(`${describe(row)} is ready: ${row.externalId ?? 'no id'}`);
}

function describe(row: SnapshotImage): string {
  return `Image ${row.image} on ${row.provider}`;
}

async function reasonOf(row: SnapshotImage, images: ImageStore): Promise<string> {
  if (row.lastError !== undefined) return row.lastError;
  const failures = await images.listFailures();
  const failure = failures.find(({ provider, image }) => provider === row.provider && image === row.image);
  return failure?.lastError ?? 'it was deleted';
}

async function withdraw(row: SnapshotImage, images: ImageStore): Promise<void> {
  const cause = { who: 'cli', why: 'No daemon took it up' };
  if ((await images.apply(row, 'failed', cause)) === undefined) return; // it began just now
  throw new UsageError(`${describe(row)}: no nodepoold took up the build, is one running?`);
}
