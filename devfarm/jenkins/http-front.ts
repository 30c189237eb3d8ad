import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '../../src/runtime/clock.ts';
import { describeError } from '../../src/runtime/errors.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import type { Randomness } from '../../src/runtime/randomness.ts';
import type { FaultBook, FaultRule } from './fault-book.ts';
import { dispatch } from './find-route.ts';
import type { Gatekeeper, Visitor } from './gatekeeper.ts';
import { type Answer, oops, renderedPage, type Route } from './http-answer.ts';
import type { StandInOptions } from './stand-in-options.ts';

export type HttpFrontDeps = {
  readonly options: StandInOptions;
  readonly routes: readonly Route[];
  readonly gatekeeper: Gatekeeper;
  readonly faults: FaultBook;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
  /** False: Jenkins still starts. */
  readonly isUp: () => boolean;
  readonly signal: AbortSignal;
};

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const ADMINISTRATION = '/_devfarm/faults';
/** Jenkins' (Jetty's) own: clients must drop idle connections before. */
const KEEP_ALIVE_MS = 5_000;
const STARTING: Answer = renderedPage(503, {
  title: 'Starting Jenkins',
  text: 'Please wait while Jenkins is getting ready to work . . .',
});

/** An outcome other than an answer. */
type Outcome = Answer | 'hang' | 'cut';

/** Jenkins' HTTP server. It does not listen yet. */
export function buildHttpFront(deps: HttpFrontDeps): FastifyInstance {
  const app = fastify({ forceCloseConnections: true, bodyLimit: MAX_BODY_BYTES, keepAliveTimeout: KEEP_ALIVE_MS });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  app.all('*', (request, reply) => serve(request, reply, deps));
  return app;
}

async function serve(request: FastifyRequest, reply: FastifyReply, deps: HttpFrontDeps): Promise<unknown> {
  const body = typeof request.body === 'string' ? request.body : '';
  if (request.url.startsWith(ADMINISTRATION)) return await administer({ method: request.method, body }, reply, deps);
  const outcome = await answer({ ...visitorOf(request), body }, deps).catch((error: unknown): Outcome => {
    if (!deps.signal.aborted) deps.log.error(`${request.method} ${request.url} failed`, { error });
    return deps.signal.aborted ? 'cut' : oops();
  });
  if (outcome === 'cut') reply.raw.destroy();
  if (outcome === 'cut' || outcome === 'hang') return reply.hijack();
  void reply.code(outcome.status).headers({ ...outcome.headers, Server: 'Jetty(9.4.33.v20201020)' });
  // An empty text would get a content type.
  return await reply.send(outcome.body === '' ? undefined : outcome.body);
}

async function administer(
  { method, body }: { readonly method: string; readonly body: string },
  reply: FastifyReply,
  { faults }: HttpFrontDeps,
): Promise<unknown> {
  try {
    if (method !== 'GET') faults.replace(JSON.parse(body));
    return await reply.send(faults.show());
  } catch (error) {
    return await reply.code(400).send({ error: describeError(error) });
  }
}

/** Carries out the request, or what a fault makes of it. */
async function answer(visitor: Visitor & { readonly url: string }, deps: HttpFrontDeps): Promise<Outcome> {
  if (!deps.isUp()) return STARTING;
  const fault = deps.faults.take(visitor.method, withoutPrefix(visitor.url, deps.options));
  if (fault === undefined) return await carryOut(visitor, deps);
  await delay(fault, deps);
  const instead = insteadOf(fault);
  if (instead !== undefined) return instead;
  const done = await carryOut(visitor, deps);
  if (fault.hang === 'after') return 'hang';
  return fault.cut === 'after' ? 'cut' : done;
}

async function carryOut(visitor: Visitor & { readonly url: string }, deps: HttpFrontDeps): Promise<Answer> {
  const refusal = deps.gatekeeper.refuse(visitor);
  if (refusal !== undefined) return refusal;
  const target = withoutPrefix(visitor.url, deps.options);
  if (visitor.method === 'GET' && target.startsWith('/crumbIssuer/api/json'))
    return deps.gatekeeper.issueCrumb(visitor);
  const call = { method: visitor.method, target, query: visitor.query, body: visitor.body };
  const answer = await dispatch(deps.routes, call);
  if (visitor.method !== 'GET') deps.log.info(`${visitor.method} ${visitor.path}: ${answer.status}`);
  return answer;
}

async function delay(fault: FaultRule, { clock, randomness, signal }: HttpFrontDeps): Promise<void> {
  const ms = (fault.delayMs ?? 0) + (fault.delayUpToMs ?? 0) * randomness.fraction();
  if (ms > 0) await clock.sleep(ms, signal);
}

function insteadOf(fault: FaultRule): Outcome | undefined {
  if (fault.hang === 'before') return 'hang';
  if (fault.cut === 'before') return 'cut';
  if (fault.status === undefined) return undefined;
  const headers = { 'Content-Type': fault.contentType ?? 'text/html;charset=utf-8' };
  return { status: fault.status, headers, body: fault.body ?? `<html><title>Fault ${fault.status}</title></html>` };
}

function visitorOf(request: FastifyRequest): Omit<Visitor, 'body'> & { readonly url: string } {
  const [path = '', query = ''] = request.url.split(/\?(.*)/s);
  return {
    method: request.method,
    url: request.url,
    path,
    query: new URLSearchParams(query),
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    address: request.ip,
  };
}

/** A path outside the prefix matches no route. */
function withoutPrefix(url: string, { prefix }: StandInOptions): string {
  return url.startsWith(`${prefix}/`) ? url.slice(prefix.length) : `/outside${url}`;
}
