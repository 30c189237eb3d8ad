import { describe, expect, test } from 'vitest';
import {
  type ApiFailure,
  classifyNovaFailure,
  isPassingImportFailure,
  isQuotaFault,
  parseRetryAfter,
} from '../../src/openstack/classify-nova-failure.ts';
import {
  CredentialsRefusedError,
  QuotaExceededError,
  RequestRefusedError,
  TransientProviderError,
  UnknownOutcomeError,
} from '../../src/provider/errors.ts';
import { recorded } from './replay-cloud.ts';

type Recorded = {
  readonly call: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly expect: keyof typeof CLASSES;
};

const CLASSES = {
  credentials: CredentialsRefusedError,
  quota: QuotaExceededError,
  refused: RequestRefusedError,
  transient: TransientProviderError,
};

function aFailure(facts: Partial<ApiFailure>): ApiFailure {
  return {
    provider: 'wmf',
    call: 'ServerGet',
    repeatable: true,
    status: 500,
    json: undefined,
    text: '',
    requestId: 'req-7',
    retryAfterMs: undefined,
    ...facts,
  };
}

function asFailure({ status, contentType, body }: Recorded): ApiFailure {
  const isJson = contentType.includes('json');
  return aFailure({ status, json: isJson ? JSON.parse(body) : undefined, text: isJson ? '' : body });
}

describe('classifyNovaFailure, on what a real cloud answered', () => {
  const cases = (recorded('failures') as readonly Recorded[]).map((each) => [
    `${each.call} ${each.status} ${each.body.replaceAll(/\s+/g, ' ').slice(0, 110)}`,
    each,
  ]);

  test.each(cases as [string, Recorded][])('%s', (_, failure) => {
    expect(classifyNovaFailure(asFailure(failure))).toBeInstanceOf(CLASSES[failure.expect]);
  });
});

describe('classifyNovaFailure, on what other releases and proxies answer', () => {
  const forbidden = (message: string): unknown => ({ forbidden: { code: 403, message } });

  test.each([
    ['old Nova over quota', { status: 413, json: { overLimit: { message: 'Quota exceeded for cores' } } }, 'quota'],
    ['old Nova rate limit', { status: 413, json: { overLimit: { message: 'Only 10 POST per minute' } } }, 'transient'],
    ['old Neutron', { status: 403, json: forbidden('Maximum number of ports exceeded') }, 'quota'],
    ['a policy about quotas', { status: 403, json: forbidden("Policy doesn't allow os-quota-sets:update") }, 'refused'],
    ['several networks', { status: 409, json: { c: { message: 'Multiple possible networks found' } } }, 'refused'],
    ['an image with servers', { status: 409, text: 'Image 1 could not be deleted because it is in use' }, 'transient'],
    ['too many requests', { status: 429, text: 'slow down' }, 'transient'],
    ['a proxy without backend', { status: 503, text: '<html><h1>503 Service Unavailable</h1></html>' }, 'transient'],
    ['a moved service', { status: 302, text: '' }, 'refused'],
  ] as [string, Partial<ApiFailure>, keyof typeof CLASSES][])('%s', (_, facts, expected) => {
    expect(classifyNovaFailure(aFailure(facts))).toBeInstanceOf(CLASSES[expected]);
  });

  test('a breakdown during a create leaves its outcome unknown, so that nobody creates it twice', () => {
    expect(classifyNovaFailure(aFailure({ status: 504, repeatable: false }))).toBeInstanceOf(UnknownOutcomeError);
  });

  test('a refusal for rate during a create is no unknown outcome: nothing was done', () => {
    expect(classifyNovaFailure(aFailure({ status: 429, repeatable: false }))).not.toBeInstanceOf(UnknownOutcomeError);
  });

  test('keeps the wait that the peer asks for', () => {
    expect(classifyNovaFailure(aFailure({ status: 429, retryAfterMs: 7000 }))).toMatchObject({ retryAfterMs: 7000 });
  });

  test('names call, provider, status and request id, and strips HTML, so that an operator can ask the cloud', () => {
    const text = '<html>\n <h1>Bad\nGateway</h1>\n</html>';

    expect(classifyNovaFailure(aFailure({ status: 502, text })).message).toBe(
      'ServerGet in "wmf" got status 502 (req-7): Bad Gateway',
    );
  });
});

describe('parseRetryAfter', () => {
  const now = new Date('2026-01-01T00:00:00Z');

  test.each([
    ['12', 12_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', undefined],
    [undefined, undefined],
  ])('%s', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});

describe('isQuotaFault, on the faults of servers in ERROR', () => {
  const full = 'Quota exceeded for instances: Requested 1, but already used 1 of 1 instances';

  test.each([
    ['the quota was full when it was scheduled (recorded)', true, 413, full],
    ['the same, as newer Novas tell it', true, 403, full],
    [
      'two kinds were full',
      true,
      413,
      'Quota exceeded for cores, instances: Requested 1, 1, but already used 1, 1 of 1, 1',
    ],
    ['the retries were used up', false, 500, 'Exceeded maximum number of retries. Exhausted all hosts available'],
    ['no host fits', false, 500, 'No valid host was found. '],
    ['a policy forbids', false, 403, "Policy doesn't allow it to be performed."],
  ])('%s: %s', (...[, expected, code, message]) => {
    expect(isQuotaFault({ code, message })).toBe(expected);
  });
});

describe('413, which old Novas say to who asks too often', () => {
  test.each([
    [
      'ImageUpload',
      'Image exceeds the storage quota: The size of the data 9 will exceed the limit.',
      QuotaExceededError,
    ],
    ['ImageUpload', 'Image storage media is full: no space left', QuotaExceededError],
    ['ImageCreate', 'Resource image_count_total is over limit of 10 due to current usage 10', QuotaExceededError],
    ['ObjectCreate', 'Upload exceeds quota.', QuotaExceededError],
    ['ServerCreate', 'This request was rate-limited.', TransientProviderError],
    ['ImageList', 'This request was rate-limited.', TransientProviderError],
  ])('means for %s with "%s" what that call is about', (call, text, kind) => {
    expect(classifyNovaFailure(aFailure({ call, status: 413, text }))).toBeInstanceOf(kind);
  });
});

test.each([
  ["Image cannot be imported. Error code: '396'", true],
  ["Image cannot be imported. Error code: '521'", false],
  ['Invalid VHD', false],
])('a task that fails with "%s" passes at a second try: %s', (message, expected) => {
  expect(isPassingImportFailure(message)).toBe(expected);
});
