import { expect, onTestFinished, test } from 'vitest';
import type { ApiCaller } from '../../src/openstack/api-caller.ts';
import { ImageFile } from '../../src/openstack/image-file.ts';
import { sendImageFile, type SentFile } from '../../src/openstack/send-image-file.ts';
import { DeadlineExceededError } from '../../src/runtime/errors.ts';
import { FakeClock } from '../fakes/fake-clock.ts';
import { neverAborted } from '../fakes/never-aborted.ts';
import { anImageFile, glanceFacts, imageBytes } from './an-image-file.ts';

const CONTENT = imageBytes(1_000_000);
const MINUTE_MS = 60_000;

/** A cloud that takes data when the test says so, and never answers. */
class SlowPeer {
  readonly api: Pick<ApiCaller, 'call'> = {
    call: async (call, signal) => {
      const stream = call.stream?.begin();
      if (stream !== undefined) this.#begin(stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>);
      return await new Promise<never>((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      });
    },
  };
  #begin: (pieces: AsyncIterator<Buffer>) => void = () => undefined;
  readonly #pieces = new Promise<AsyncIterator<Buffer>>((resolve) => {
    this.#begin = resolve;
  });

  /** Takes the next piece; gives its length, 0 at the end. */
  async take(): Promise<number> {
    const next = await (await this.#pieces).next();
    return next.done === true ? 0 : next.value.length;
  }

  async takeAll(): Promise<void> {
    for (let length = 1; length > 0; length = await this.take());
  }
}

type Sent = SentFile<string>;

/** Sends CONTENT to the peer. `ended`: what became of it. */
async function sendTo(peer: SlowPeer, clock: FakeClock): Promise<{ readonly ended: Promise<Sent | Error> }> {
  const file = await ImageFile.open(anImageFile(CONTENT));
  onTestFinished(() => file[Symbol.asyncDispose]());
  const call = { name: 'ImageUpload', service: 'image', path: '/images/img-1/file', read: () => 'answer' } as const;
  const sending = { what: 'image "img-1"', call, file, watch: {} };
  const sent = sendImageFile(sending, { api: peer.api, clock }, neverAborted);
  return { ended: sent.catch((error: unknown) => error as Error) };
}

test('a cloud that takes no byte for 60 s ends the upload', async () => {
  const [peer, clock] = [new SlowPeer(), new FakeClock()];
  const { ended } = await sendTo(peer, clock);
  await peer.take();
  await peer.take();

  await clock.advance(MINUTE_MS);

  const error = await ended;
  expect(error).toBeInstanceOf(DeadlineExceededError);
  expect(error).toMatchObject({ message: 'Timeout waiting for the cloud to take more of image "img-1" (60 s)' });
});

test('a cloud that is slow but takes something each minute may go on', async () => {
  const [peer, clock] = [new SlowPeer(), new FakeClock()];
  const { ended } = await sendTo(peer, clock);
  for (let pieces = 0; pieces < 3; pieces += 1) {
    await peer.take();
    await clock.advance(MINUTE_MS - 1);
  }
  await peer.takeAll();

  await clock.advance(10 * MINUTE_MS);

  const { checksum, os_hash_value: hash } = glanceFacts(CONTENT);
  expect(await ended).toMatchObject({ sums: { sizeBytes: 1_000_000, md5: checksum, sha512: hash } });
});

test('a cloud that has all has ten minutes to say so, and is then looked at', async () => {
  const [peer, clock] = [new SlowPeer(), new FakeClock()];
  const { ended } = await sendTo(peer, clock);
  await peer.takeAll();
  let isOver = false;
  void ended.then(() => (isOver = true));

  await clock.advance(10 * MINUTE_MS - 1);
  expect(isOver).toBe(false);
  await clock.advance(1);

  const doubt = expect.any(DeadlineExceededError) as unknown;
  expect(await ended).toMatchObject({ doubt, sums: { sizeBytes: 1_000_000 } });
});
