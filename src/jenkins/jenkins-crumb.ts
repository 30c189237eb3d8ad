import { z } from 'zod';
import { type AskedOf, type JenkinsAnswer, jsonOf } from './jenkins-answer.ts';

/** What a POST with a password needs besides: the crumb and the cookie of the session that it belongs to. */
export type JenkinsCrumb = { readonly headers: Readonly<Record<string, string>> };

const Issued = z.object({ crumb: z.string(), crumbRequestField: z.string() });

/**
 * The crumb of the issuer's answer; undefined: there is no issuer.
 * @throws {Error} as `jsonOf`
 */
export function readCrumb(asked: AskedOf, answer: JenkinsAnswer): JenkinsCrumb | undefined {
  if (answer.status === 404) return undefined;
  const issued = Issued.parse(jsonOf(asked, answer));
  const cookie = answer.setCookies.map((line) => line.split(';', 1)[0] ?? '').join('; ');
  return { headers: { [issued.crumbRequestField]: issued.crumb, ...(cookie !== '' && { cookie }) } };
}
