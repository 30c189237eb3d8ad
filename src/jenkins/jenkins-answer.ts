import { CredentialsRefusedError, RequestRefusedError, TransientProviderError } from '../provider/errors.ts';

/** What Jenkins answered, its text bounded. */
export type JenkinsAnswer = {
  readonly status: number;
  readonly text: string;
  readonly contentType: string;
  readonly location: string | undefined;
  /** Jenkins' `X-Error`: the only cause that is not HTML. */
  readonly xError: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly setCookies: readonly string[];
};

/** Who asked for what, for messages: `Jenkins of target "ci" answered DeleteNodeTask with …`. */
export type AskedOf = { readonly target: string; readonly task: string };

const LONGEST_CAUSE = 300;

const PASSING = new Set([408, 429, 502, 503, 504]);

/** Turns an answer that is no success into our vocabulary. The one place where Jenkins' error text is read. */
export function classifyJenkinsFailure(asked: AskedOf, answer: JenkinsAnswer): Error {
  const said = `Jenkins of target "${asked.target}" answered ${asked.task} with ${describeAnswer(answer)}`;
  if (answer.status === 401) return new CredentialsRefusedError(said);
  if (answer.status === 403 || leadsToLogin(answer)) {
    return new CredentialsRefusedError(`Jenkins refused: permission or crumb: ${said}`);
  }
  if (PASSING.has(answer.status)) {
    const { retryAfterMs } = answer;
    return new TransientProviderError(said, retryAfterMs === undefined ? {} : { retryAfterMs });
  }
  // A form that Jenkins cannot read and a job without parameters are 500 too, but the caller knows when to expect them.
  if (answer.status >= 500 || answer.status < 300) return new TransientProviderError(said);
  return new RequestRefusedError(said);
}

/** True for the 403 that a fresh crumb may mend. */
export function wantsCrumb(answer: JenkinsAnswer): boolean {
  return answer.status === 403 && answer.text.includes('No valid crumb');
}

/** True for the 400 of a name that is taken; the words around differ between versions. */
export function saysAlreadyExists(answer: JenkinsAnswer): boolean {
  return answer.status === 400 && `${answer.xError ?? ''} ${answer.text}`.includes('already exists');
}

/** True for the answer to a form post that worked: a redirect, unless it leads to a log-in page. */
export function isFormSuccess(answer: JenkinsAnswer): boolean {
  return answer.status === 302 && !leadsToLogin(answer);
}

/**
 * The JSON of a successful read.
 * @throws {TransientProviderError} it is something else: a proxy's page, or cut short
 */
export function jsonOf(asked: AskedOf, answer: JenkinsAnswer): unknown {
  if (answer.status !== 200) throw classifyJenkinsFailure(asked, answer);
  if (!answer.contentType.startsWith('application/json')) throw unreadable(asked, `it is ${answer.contentType}`);
  try {
    return JSON.parse(answer.text);
  } catch {
    throw unreadable(asked, 'it is no whole JSON'); // the parser's complaint would quote it
  }
}

function unreadable({ target, task }: AskedOf, why: string): Error {
  const message = `Cannot read the answer of Jenkins of target "${target}" to ${task}`;
  return new TransientProviderError(`${message}: ${why.slice(0, LONGEST_CAUSE)}`);
}

function leadsToLogin(answer: JenkinsAnswer): boolean {
  const { location } = answer;
  return answer.status === 302 && location !== undefined && /\/(login|securityRealm)\b/.test(location);
}

function describeAnswer(answer: JenkinsAnswer): string {
  const title = /<title>([^<]*)<\/title>/.exec(answer.text)?.[1]?.trim();
  const cause = answer.xError?.trim() ?? title ?? answer.location ?? '';
  return `${answer.status}${cause === '' ? '' : ` (${cause.replaceAll(/\s+/g, ' ').slice(0, LONGEST_CAUSE)})`}`;
}
