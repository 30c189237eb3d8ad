import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import type { Clock } from '../../src/runtime/clock.ts';
import type { Logger } from '../../src/runtime/logger.ts';
import type { Randomness } from '../../src/runtime/randomness.ts';
import { ApiFailure, peekJsonBody } from './api-call.ts';
import type { Answer, Call, Incoming, Route, Service } from './api-call.ts';
import type { CallCounter } from './call-counter.ts';
import type { FaultBook } from './fault-book.ts';
import type { FaultEffect } from './fault-rule.ts';
import { isJsonObject } from './json-value.ts';

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const ADMINISTRATION = '/_devfarm/';

export type ListenerDeps = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly randomness: Randomness;
  readonly counter: CallCounter;
  readonly faults: FaultBook;
  /** Ends waits when the emulator closes. */
  readonly signal: AbortSignal;
};

/** The outcome of a request: an answer, or none at all. */
type Outcome = Answer | 'hang' | 'cut';

/** An HTTP server for one service and the farm's own routes. It does not listen yet. */
export function buildListener(service: Service, administration: readonly Route[], deps: ListenerDeps): FastifyInstance {
  const app = fastify({
    forceCloseConnections: true,
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: 500 },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => {
    done(null, payload);
  });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  for (const route of [...service.routes, ...administration]) {
    app.route({
      method: route.method,
      url: route.path,
      // Else fastify answers HEAD too, which then counts as a GET.
      exposeHeadRoute: false,
      handler: (request, reply) => serve({ service, route, kind: route.path }, { request, reply }, deps),
    });
  }
  void app.setNotFoundHandler((request, reply) =>
    serve({ service, route: undefined, kind: '(unknown)' }, { request, reply }, deps),
  );
  return app;
}

type Target = { readonly service: Service; readonly route: Route | undefined; readonly kind: string };
type Exchange = { readonly request: FastifyRequest; readonly reply: FastifyReply };

async function serve(target: Target, exchange: Exchange, deps: ListenerDeps): Promise<void> {
  const { request, reply } = exchange;
  const plain = readRequest(request, deps);
  const action = actionOf(plain);
  const isAdministration = plain.path.startsWith(ADMINISTRATION);
  if (!isAdministration) {
    deps.counter.count(
      [target.service.name, plain.method, target.kind, ...(action === undefined ? [] : [action])].join(' '),
    );
  }
  const subject = { service: target.service.name, method: plain.method, path: plain.path, action };
  const effect = isAdministration ? {} : deps.faults.effectOn({ ...subject, names: target.service.namesOf(plain) });
  const outcome = await runWithFaults(target, { ...plain, effect }, deps);
  if (typeof outcome === 'object') {
    if (!isAdministration) deps.counter.answered(outcome.status);
    send(reply, outcome, plain.requestId);
    return;
  }
  void reply.hijack();
  if (outcome === 'cut') request.raw.socket.destroy();
}

async function runWithFaults(target: Target, incoming: Incoming, deps: ListenerDeps): Promise<Outcome> {
  const { effect } = incoming;
  await pause(effect.delayMs, deps);
  if (effect.hang === 'before') return 'hang';
  if (effect.cut === 'before') return 'cut';
  const answer =
    effect.status === undefined ? await run(target, incoming, deps) : feign(target.service, incoming, effect);
  await pause(effect.delayAnswerMs, deps);
  if (effect.hang === 'after') return 'hang';
  return effect.cut === 'after' ? 'cut' : answer;
}

async function run({ service, route }: Target, incoming: Incoming, deps: ListenerDeps): Promise<Answer> {
  try {
    if (route?.open === true) return await route.handle(incoming);
    const call = service.admit(incoming);
    if (route === undefined) return service.unknownPath(call);
    return await runAdmitted(service, call, () => route.handle(call));
  } catch (thrown) {
    if (thrown instanceof ApiFailure) return service.refuse(thrown, incoming);
    deps.log.error('Request failed', {
      service: service.name,
      method: incoming.method,
      path: incoming.path,
      error: thrown,
    });
    return service.refuse(new ApiFailure(500, 'Unexpected API Error.'), incoming);
  }
}

async function runAdmitted(service: Service, call: Call, handle: () => Answer | Promise<Answer>): Promise<Answer> {
  const headers = service.headersOf?.(call) ?? {};
  try {
    const answer = await handle();
    return { ...answer, headers: { ...headers, ...answer.headers } };
  } catch (thrown) {
    if (!(thrown instanceof ApiFailure)) throw thrown;
    const answer = service.refuse(thrown, call);
    return { ...answer, headers: { ...headers, ...answer.headers } };
  }
}

/** The answer that a rule asks for, in the service's own form unless the rule gives a body. */
function feign(service: Service, incoming: Incoming, effect: FaultEffect): Answer {
  const status = effect.status ?? 500;
  const form = service.refuse(new ApiFailure(status, effect.message ?? 'A fault rule says so'), incoming);
  const headers = { ...form.headers, ...effect.headers };
  if (typeof effect.body === 'string') return { status, text: effect.body, headers };
  if (effect.body !== undefined) return { status, body: effect.body, headers };
  return { ...form, status, headers };
}

function readRequest(request: FastifyRequest, deps: ListenerDeps): Incoming {
  const [path = '', query = ''] = request.raw.url?.split('?', 2) ?? [];
  const { body, params } = request;
  return {
    method: request.method,
    path,
    params: isJsonObject(params) ? textsOf(params) : {},
    query: new URLSearchParams(query),
    headers: request.headers,
    body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
    upload: body instanceof Readable ? body : undefined,
    requestId: `req-${deps.randomness.uuid()}`,
    effect: {},
  };
}

function textsOf(params: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([key, value]) => [key, String(value)]));
}

function actionOf(incoming: Incoming): string | undefined {
  if (!incoming.path.endsWith('/action')) return undefined;
  const body = peekJsonBody(incoming);
  return isJsonObject(body) ? Object.keys(body)[0] : undefined;
}

async function pause(ms: number | undefined, deps: ListenerDeps): Promise<void> {
  if (ms !== undefined) await deps.clock.sleep(ms, deps.signal).catch(() => undefined); // closing: answer at once
}

function send(reply: FastifyReply, answer: Answer, requestId: string): void {
  void reply.code(answer.status).header('x-openstack-request-id', requestId);
  if (answer.body !== undefined) void reply.header('content-type', 'application/json');
  void reply.headers(answer.headers ?? {});
  const text = answer.body === undefined ? (answer.text ?? '') : JSON.stringify(answer.body);
  // A Buffer: fastify adds a charset to strings, and the real services send none.
  void reply.send(text === '' ? undefined : Buffer.from(text));
}
