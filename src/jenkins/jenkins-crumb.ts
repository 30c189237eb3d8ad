import * as z from 'zod';
import { TransientProviderError } from '../provider/errors.ts';
import { type AskedOf, type JenkinsAnswer, jsonOf } from './jenkins-answer.ts';

/** What a POST with a password needs besides: the crumb and the cookie of the session that it belongs to. */
export type JenkinsCrumb = { readonly headers: Readonly<Record<string, string>> };

/** RFC 9110: what a header may be called and hold. Anything else would fail each POST from then on. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7E\x80-\xFF]*$/;

const Issued = z.object({
  crumb: z.string().regex(HEADER_VALUE),
  crumbRequestField: z.string().regex(HEADER_NAME),
});

/**
 * The crumb of the issuer's answer; undefined: there is no issuer.
 * @throws {Error} as `jsonOf`
 */
export function readCrumb(asked: AskedOf, answer: JenkinsAnswer): JenkinsCrumb | undefined {
  if (answer.status === 404) return undefined;
  const issued = Issued.safeParse(jsonOf(asked, answer));
  if (!issued.success) {
    throw new TransientProviderError(`Jenkins of target "${asked.target}" answered ${asked.task} without a crumb`);
  }
  const { crumb, crumbRequestField } = issued.data;
  const cookie = answer.setCookies.map((line) => line.split(';', 1)[0] ?? '').join('; ');
  return { headers: { [crumbRequestField]: crumb, ...(cookie !== '' && { cookie }) } };
}
