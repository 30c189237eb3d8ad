import {
  CredentialsRefusedError,
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../provider/errors.ts';
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
};

/** Not "Maximum number of metadata items": more room would not help there. */
const QUOTA = /quota|over the limit|exceeds? (the )?limit|ports exceeded|maximum number of (?!metadata)/i;
/** Some other action holds the thing; it lets go. Other conflicts stay. */
const BUSY = /task_state|in use|currently being|concurrent|try again/i;

/** Turns a failed call into our vocabulary. The one place where OpenStack error text is read. */
export function classifyNovaFailure(failure: ApiFailure): Error {
  const detail = messageOf(failure);
  const id = failure.requestId === undefined ? '' : ` (${failure.requestId})`;
  const message = `${failure.call} in "${failure.provider}" got status ${failure.status}${id}: ${detail}`;
  switch (failure.status) {
    case 401:
      return new CredentialsRefusedError(message);
    case 403:
      return QUOTA.test(detail) ? new QuotaExceededError(failure.provider, message) : new RequestRefusedError(message);
    case 409:
      return classifyConflict(failure, detail, message);
    case 413: // old Novas answer both their rate limit and their quota with it
      return /quota/i.test(detail)
        ? new QuotaExceededError(failure.provider, message)
        : new TransientProviderError(message, waitOf(failure));
    case 408:
    case 425:
    case 429:
      return new TransientProviderError(message, waitOf(failure));
    default:
      return failure.status >= 500 ? classifyBreakdown(failure, message) : new RequestRefusedError(message);
  }
}

function classifyConflict(failure: ApiFailure, detail: string, message: string): Error {
  if (QUOTA.test(detail) || errorType(failure.json) === 'OverQuota') {
    return new QuotaExceededError(failure.provider, message);
  }
  return BUSY.test(detail) ? new TransientProviderError(message, waitOf(failure)) : new RequestRefusedError(message);
}

/** A service, or a proxy before it, that breaks down may have acted already. */
function classifyBreakdown(failure: ApiFailure, message: string): Error {
  return failure.repeatable
    ? new TransientProviderError(message, waitOf(failure))
    : new UnknownOutcomeError(message, waitOf(failure));
}

function waitOf(failure: ApiFailure): { readonly retryAfterMs?: number } {
  return failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs };
}

/** Nova: `{KIND: {code, message}}`. Neutron: `{NeutronError: {type, message}}`. Keystone: `{error: {message}}`. Glance: text or HTML. */
function messageOf(failure: ApiFailure): string {
  const { json, text } = failure;
  const inner = isRecord(json) ? Object.values(json).find(isRecord) : undefined;
  const message = inner?.['message'] ?? (isRecord(json) ? json['message'] : undefined);
  const readable = typeof message === 'string' ? message : text.replaceAll(/<[^>]*>/g, ' ');
  const line = readable.replaceAll(/\s+/g, ' ').trim();
  return line === '' ? 'no message' : line.slice(0, 400);
}

function errorType(json: unknown): unknown {
  const error = isRecord(json) ? json['NeutronError'] : undefined;
  return isRecord(error) ? error['type'] : undefined;
}

/** The header `Retry-After`, seconds or a date, as milliseconds from `now`. */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - now.getTime());
}
