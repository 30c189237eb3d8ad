import type { Dispatcher } from 'undici';
import { redact } from '../runtime/redact.ts';
import type { Secret } from '../runtime/secret.ts';
import type { JenkinsAnswer } from './jenkins-answer.ts';

/** The list of 10,000 agents has 3 MB. Parsed, it may take twenty times as much. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export type ReadingDeps = {
  readonly now: Date;
  /** What the request held of secrets: it is taken out of whatever may be shown. */
  readonly secrets: readonly Secret[];
};

/**
 * Reads a response to its end.
 * @throws {Error} its body is longer than any answer we ask for
 */
export async function readJenkinsAnswer(
  response: Dispatcher.ResponseData,
  { now, secrets }: ReadingDeps,
): Promise<JenkinsAnswer> {
  const { headers, statusCode: status } = response;
  const text = await readText(response.body);
  const shown = (name: string): string | undefined => {
    const header = first(headers[name]);
    return header === undefined ? undefined : redact(header, secrets);
  };
  return {
    status,
    text: status === 200 ? text : redact(text, secrets), // an error page may give back the request
    contentType: shown('content-type') ?? '',
    location: shown('location'),
    xError: shown('x-error'),
    retryAfterMs: retryAfterMs(first(headers['retry-after']), now),
    setCookies: [headers['set-cookie'] ?? []].flat(),
  };
}

async function readText(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      body.destroy();
      throw new Error(`The answer is longer than ${MAX_BODY_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function first(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now.getTime();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
