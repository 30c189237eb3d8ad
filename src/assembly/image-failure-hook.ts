import type { Config } from '../config/config.ts';
import type { ImageFailure, ImageFailures } from '../image/image-failures.ts';
import type { Clock } from '../runtime/clock.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { describeError } from '../runtime/errors.ts';
import { KeyedTasks } from '../runtime/keyed-tasks.ts';
import type { Logger } from '../runtime/logger.ts';
import { runHook } from '../runtime/run-hook.ts';
import type { TaskBoard } from '../runtime/task-board.ts';

const TIMEOUT_MS = 60_000;
const AT_ONCE = 4;
/** Those that run and those that wait. */
const MOST = 50;
/** An environment holds no NUL and not everything. */
const REASON_CHARS = 4_000;
/** What programs need to find themselves; nothing of this can be a secret. */
const INHERITED = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ'];

export type ImageFailureHookDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly tasks: TaskBoard;
  /** Of this process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
};

/** Runs the program of the key `image-failure-hook`, once for each failure. What is at work when it is disposed of is killed. */
export class ImageFailureHook implements ImageFailures, AsyncDisposable {
  readonly #config: () => Config;
  readonly #deps: ImageFailureHookDeps;
  readonly #hooks: KeyedTasks;
  readonly #over = new AbortController();
  #count = 0;

  /** @param config the one in force */
  constructor(config: () => Config, deps: ImageFailureHookDeps) {
    this.#config = config;
    this.#deps = deps;
    this.#hooks = new KeyedTasks('image-failure-hook', AT_ONCE, deps);
  }

  tell(failure: ImageFailure): void {
    const program = this.#config().imageFailureHook;
    if (program === undefined) return;
    const { log, environment: own } = this.#deps;
    if (this.#hooks.size >= MOST) {
      log.warn(`The image-failure-hook is not run for image ${failure.image}: ${MOST} are under way`);
      return;
    }
    this.#count += 1;
    const hook = { program, environment: hookEnvironment(failure, own), timeoutMs: TIMEOUT_MS };
    this.#hooks.start({ key: `${this.#count}`, lane: 'hooks' }, this.#over.signal, async (task, signal) => {
      task.waitOn(program);
      await runHook(hook, this.#deps, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        log.warn(`The image-failure-hook failed for image ${failure.image}: ${describeError(error)}`);
      });
    });
  }

  /** Resolves when none is under way. */
  async settled(): Promise<void> {
    await this.#hooks.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new Error('The daemon ends'));
    await this.#hooks.settled();
  }
}

function hookEnvironment(failure: ImageFailure, own: ImageFailureHookDeps['environment']): Record<string, string> {
  const { kind, image, provider, id, dibImageId, reason, failures } = failure;
  return definedOnly({
    ...Object.fromEntries(INHERITED.map((name) => [name, own[name]])),
    NODEPOOL_KIND: kind,
    NODEPOOL_IMAGE: image,
    NODEPOOL_PROVIDER: provider,
    NODEPOOL_BUILD_ID: String(dibImageId ?? id),
    NODEPOOL_UPLOAD_ID: kind === 'upload' ? String(id) : undefined,
    NODEPOOL_FAILURE: reason.replaceAll('\0', ' ').slice(0, REASON_CHARS),
    NODEPOOL_FAILURES: String(failures),
  });
}
