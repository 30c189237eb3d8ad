import type { Readable } from 'node:stream';

/** A body that is too long to be held in memory. */
export type StreamedBody = {
  readonly type: string;
  readonly sizeBytes: number;
  /** The body from its beginning: called again when a 401 came, so that no half of it is ever sent as a whole. */
  readonly begin: () => Readable;
};

/** What goes out with a request. Disposing it ends a stream that was not read to its end. */
export type RequestContent = Disposable & {
  readonly body?: string | Readable;
  readonly headers: Readonly<Record<string, string>>;
};

/** The body of a call, as JSON or as a stream that begins now. */
export function beginContent(call: { readonly body?: object; readonly stream?: StreamedBody }): RequestContent {
  const { body, stream: streamed } = call;
  if (streamed !== undefined) {
    const stream = streamed.begin();
    const headers = { 'content-type': streamed.type, 'content-length': String(streamed.sizeBytes) };
    return { body: stream, headers, [Symbol.dispose]: () => stream.destroy() };
  }
  const nothing = (): void => undefined;
  if (body === undefined) return { headers: {}, [Symbol.dispose]: nothing };
  return { body: JSON.stringify(body), headers: { 'content-type': 'application/json' }, [Symbol.dispose]: nothing };
}
