import type { Readable } from 'node:stream';
import { UnknownOutcomeError } from '../provider/errors.ts';
import type { UploadWatch } from '../provider/image-upload.ts';
import type { Clock } from '../runtime/clock.ts';
import { asError, DeadlineExceededError } from '../runtime/errors.ts';
import { joinSignals } from '../runtime/join-signals.ts';
import type { ApiCall, ApiCaller } from './api-caller.ts';
import type { FileReading, FileSums, ImageFile } from './image-file.ts';

/** Longest time in which the cloud takes nothing. */
const IDLE_MS = 60_000;
/** From the last byte to the answer: some clouds only then move the data to where it stays. */
const ANSWER_MS = 10 * 60_000;

/** The call whose body the file is. */
export type FileCall<T> = Pick<ApiCall<T>, 'name' | 'service' | 'path' | 'headers' | 'read'>;

export type Sending<T> = {
  /** For errors: `image "…"`. */
  readonly what: string;
  readonly call: FileCall<T>;
  readonly file: ImageFile;
  readonly watch: UploadWatch;
};

/** All was sent. `doubt`: but no usable answer says that it arrived, and why. */
export type SentFile<T> = { readonly sums: FileSums } & (
  { readonly answer: T; readonly doubt?: undefined } | { readonly doubt: Error }
);

export type SendDeps = { readonly api: Pick<ApiCaller, 'call'>; readonly clock: Clock };

/**
 * PUTs a file, by a call that may take hours.
 * @throws {ImageFileError} the file cannot be read to its end
 * @throws {DeadlineExceededError} the cloud took no byte for 60 s
 * @throws what the call throws, and what the watch throws
 */
export async function sendImageFile<T>(sending: Sending<T>, deps: SendDeps, signal: AbortSignal): Promise<SentFile<T>> {
  const line = new SendingLine(sending, deps.clock);
  const stalled = new AbortController();
  const ended = new AbortController();
  const stall = line.untilStalled(ended.signal).then((error) => {
    stalled.abort(error);
  });
  stall.catch(() => undefined); // ended
  using both = joinSignals(signal, stalled.signal);
  const type = 'application/octet-stream';
  const stream = { type, sizeBytes: sending.file.sizeBytes, begin: () => line.begin() };
  try {
    const call = { ...sending.call, method: 'PUT' as const, stream, repeatable: false };
    const answer = await deps.api.call(call, both.signal);
    return { sums: line.sums(), answer };
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asError(line.failure ?? (stalled.signal.aborted ? stalled.signal.reason : thrown));
    if (!line.isComplete || !(stalled.signal.aborted || error instanceof UnknownOutcomeError)) throw error;
    return { sums: line.sums(), doubt: error };
  } finally {
    ended.abort();
  }
}

/** Where the sending is, over all its tries. */
class SendingLine {
  readonly #sending: Sending<unknown>;
  readonly #clock: Clock;
  #reading: FileReading | undefined;
  #movedMs = 0;

  constructor(sending: Sending<unknown>, clock: Clock) {
    this.#sending = sending;
    this.#clock = clock;
  }

  /** What ended the reading, if it was not the cloud. */
  get failure(): unknown {
    return this.#reading?.failure;
  }

  get isComplete(): boolean {
    return this.#reading?.isComplete === true;
  }

  /** Of what the last try sent. */
  sums(): FileSums {
    return this.#reading?.sums() ?? { sizeBytes: 0, md5: '', sha512: '' };
  }

  begin(): Readable {
    const { file, watch } = this.#sending;
    this.#movedMs = this.#clock.monotonicMs();
    this.#reading = file.read((sentBytes) => {
      this.#movedMs = this.#clock.monotonicMs();
      watch.onProgress?.({ sentBytes, totalBytes: file.sizeBytes });
    });
    return this.#reading.stream;
  }

  /** Before the first try there is nothing to stall: the call still waits for its turn. */
  async untilStalled(signal: AbortSignal): Promise<DeadlineExceededError> {
    for (;;) {
      const limitMs = this.isComplete ? ANSWER_MS : IDLE_MS;
      const stoodMs = this.#reading === undefined ? 0 : this.#clock.monotonicMs() - this.#movedMs;
      if (stoodMs >= limitMs) return new DeadlineExceededError(this.#describeWait(), limitMs);
      await this.#clock.sleep(limitMs - stoodMs, signal);
    }
  }

  #describeWait(): string {
    const what = this.isComplete ? 'an answer about' : 'the cloud to take more of';
    return `${what} ${this.#sending.what}`;
  }
}
