import type { Dispatcher } from 'undici';
import type { JenkinsAnswer } from './jenkins-answer.ts';

/** The list of 10,000 agents has 3 MB. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/**
 * Reads a response to its end.
 * @throws {Error} its body is longer than any answer we ask for
 */
export async function readJenkinsAnswer(response: Dispatcher.ResponseData, now: Date): Promise<JenkinsAnswer> {
  const { headers } = response;
  return {
    status: response.statusCode,
    text: await readText(response.body),
    contentType: first(headers['content-type']) ?? '',
    location: first(headers['location']),
    xError: first(headers['x-error']),
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
