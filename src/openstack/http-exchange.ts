import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { RequestRefusedError } from '../provider/errors.ts';
import type { Secret } from '../runtime/secret.ts';

/** A certificate does not become good by asking again. */
const BAD_CERTIFICATE = /^(ERR_TLS_|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/;
/** Longest body we read: a list of 1,000 servers is about 2 MiB. Parsed, it may take twenty times as much. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export type HttpRequest = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream goes out as the peer takes it, with the `content-length` of the headers; whoever made it destroys it. */
  readonly body?: string | Readable;
  /** What the request holds of secrets: it is taken out of whatever may be shown of the answer. */
  readonly secrets?: readonly Secret[];
  /** Called when the first byte is about to be written: from then on the peer may have acted. */
  readonly onSending?: () => void;
};

export type RawAnswer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
};

/** The connection failed before anything was written: the peer did nothing. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError';
}

/** The request was written and no whole answer came: the peer may have acted. */
export class AnswerLostError extends Error {
  override readonly name = 'AnswerLostError';
}

/**
 * Sends one request and reads the whole answer, whatever its status.
 * @throws {NotSentError} nothing was written
 * @throws {RequestRefusedError} the peer's certificate is not trusted
 * @throws {AnswerLostError} the answer did not come, was cut, or is larger than 16 MiB
 * @throws the signal's reason as soon as `signal` is aborted
 */
export function exchange(dispatcher: Dispatcher, request: HttpRequest, signal: AbortSignal): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const handler = new AnswerReader(request, signal, { resolve, reject });
    const { method, url, headers, body } = request;
    dispatcher.dispatch(
      { origin: url.origin, path: `${url.pathname}${url.search}`, method, headers, body: body ?? null },
      handler,
    );
  });
}

type Settle = {
  readonly resolve: (answer: RawAnswer) => void;
  readonly reject: (error: unknown) => void;
};

/** Gathers one answer as undici reads it. */
class AnswerReader implements Dispatcher.DispatchHandler {
  readonly #request: HttpRequest;
  readonly #signal: AbortSignal;
  readonly #settle: Settle;
  readonly #onAbort: () => void;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(request: HttpRequest, signal: AbortSignal, settle: Settle) {
    this.#request = request;
    this.#signal = signal;
    this.#settle = settle;
    this.#onAbort = () => {
      this.#controller?.abort(new AnswerLostError('The request was given up'));
      settle.reject(signal.reason);
    };
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#signal.aborted) {
      controller.abort(new NotSentError('The request was given up')); // it waited for a connection meanwhile
      return;
    }
    this.#request.onSending?.();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status; // after an informational 1xx this comes again
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    this.#chunks.push(chunk);
    if (this.#size <= MAX_BODY_BYTES) return;
    this.#chunks = [];
    controller.abort(new AnswerLostError(`The answer is larger than ${MAX_BODY_BYTES} bytes`));
  }

  onResponseEnd(): void {
    this.#end();
    this.#settle.resolve({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks) });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end();
    this.#settle.reject(this.#translate(error));
  }

  #end(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }

  #translate(error: Error): Error {
    if (error instanceof NotSentError || error instanceof AnswerLostError) return error;
    const { host } = this.#request.url;
    if (this.#controller !== undefined) {
      return new AnswerLostError(`The connection to "${host}" broke`, { cause: error });
    }
    return isBadCertificate(error)
      ? new RequestRefusedError(`Cannot connect to "${host}": its certificate is not trusted`, { cause: error })
      : new NotSentError(`Cannot connect to "${host}"`, { cause: error });
  }
}

function isBadCertificate(error: Error): boolean {
  return 'code' in error && BAD_CERTIFICATE.test(String(error.code));
}
