import {
  CredentialsRefusedError,
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../provider/errors.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { redact } from '../runtime/redact.ts';
import type { Secret } from '../runtime/secret.ts';
import { isRecord } from './parse-body.ts';

/** An answer of Keystone, Nova, Glance or Neutron that is not what the call hoped for. */
export type ApiFailure = {
  readonly provider: string;
  /** Names the call: `ServerCreate`. */
  readonly call: string;
  /** Whether doing it twice does no harm. */
  readonly repeatable: boolean;
  readonly status: number;
  readonly json: unknown;
  readonly text: string;
  readonly requestId: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** What the request held of secrets, which an error page may give back. */
  readonly secrets?: readonly Secret[];
};

/** No room. Not the word alone: a policy may be about quotas. Not "Maximum number of metadata items": room does not help. */
const QUOTA =
  /quota exceeded|exceed(ed|s)? (the )?quota|over quota|over the limit|ports exceeded|maximum number of (?!metadata)/i;
/** Some other action holds the thing; it lets go. Other conflicts stay. */
const BUSY = /task_state|in use|currently being|concurrent|try again/i;
/** Statuses that say: not now. Old Novas answer their rate limit with 413. */
const NOT_NOW = [408, 413, 425, 429];
/** Statuses with which services refuse for lack of room. Old Novas say 413. */
const MAY_BE_QUOTA = [403, 409, 413];

/** Calls to which 413 says that there is no room: quotas of bytes and of images, the largest size, a full disk. */
const BRINGS_DATA = ['ImageCreate', 'ImageUpload', 'ObjectCreate'];

/** Turns a failed call into our vocabulary. The one place where OpenStack error text is read. */
export function classifyNovaFailure(failure: ApiFailure): Error {
  const { provider, call, status, requestId, retryAfterMs } = failure;
  const detail = messageOf(failure);
  const message = `${call} in "${provider}" got status ${status} (${requestId ?? 'no request id'}): ${detail}`;
  const wait = definedOnly({ retryAfterMs });
  if (status === 401) return new CredentialsRefusedError(message);
  if (isQuota(failure, detail)) return new QuotaExceededError(provider, message);
  if (NOT_NOW.includes(status) || (status === 409 && BUSY.test(detail))) {
    return new TransientProviderError(message, wait);
  }
  if (status < 500) return new RequestRefusedError(message, definedOnly({ type: errorType(failure.json) }));
  // A service, or a proxy before it, that breaks down may have acted already.
  return failure.repeatable ? new TransientProviderError(message, wait) : new UnknownOutcomeError(message, wait);
}

/** Codes of faults by which Nova tells that there was no room: the quota is counted again when a server is scheduled. */
const QUOTA_FAULTS = [403, 413];

/** Whether a server that was accepted went to ERROR for want of quota (Nova: recheck_quota; contract: E5). */
export function isQuotaFault(fault: { readonly code: number; readonly message: string }): boolean {
  return QUOTA_FAULTS.includes(fault.code) && QUOTA.test(fault.message);
}

/** Whether a task that imports an image may do better at a second try (shade: IMAGE_ERROR_396). */
export function isPassingImportFailure(message: string): boolean {
  return message.includes("Error code: '396'");
}

/** Of an error page: its beginning says what is wrong. */
const MOST_READ = 2000;

function isQuota({ call, status, json }: ApiFailure, detail: string): boolean {
  if (status === 413 && BRINGS_DATA.includes(call)) return true;
  return MAY_BE_QUOTA.includes(status) && (QUOTA.test(detail) || errorType(json) === 'OverQuota');
}

/** Nova: `{KIND: {code, message}}`. Neutron: `{NeutronError: {type, message}}`. Keystone: `{error: {message}}`. Glance: text or HTML. */
function messageOf(failure: ApiFailure): string {
  const { json, text } = failure;
  const inner = isRecord(json) ? Object.values(json).find(isRecord) : undefined;
  const message = inner?.['message'] ?? (isRecord(json) ? json['message'] : undefined);
  const said = redact(typeof message === 'string' ? message : text, failure.secrets ?? []).slice(0, MOST_READ);
  const readable = typeof message === 'string' ? said : said.replaceAll(/<[^>]*>/g, ' ');
  const line = readable.replaceAll(/\s+/g, ' ').trim();
  return line === '' ? 'no message' : line.slice(0, 400);
}

function errorType(json: unknown): string | undefined {
  const error = isRecord(json) ? json['NeutronError'] : undefined;
  const type = isRecord(error) ? error['type'] : undefined;
  return typeof type === 'string' ? type : undefined;
}

/** The header `Retry-After`, seconds or a date, as milliseconds from `now`. */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - now.getTime());
}
