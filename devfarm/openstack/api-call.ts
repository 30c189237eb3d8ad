import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type { FaultEffect } from './fault-rule.ts';

export const SERVICES = ['identity', 'compute', 'image', 'network'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Who calls, as the token says. */
export type Caller = {
  readonly tokenId: string;
  readonly userId: string;
  readonly userName: string;
  /** Empty for a token without a project: it owns nothing. */
  readonly projectId: string;
  readonly projectName: string;
};

/** A request before anybody looked at its token. */
export type Incoming = {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Empty if none was sent, or if it is an upload. */
  readonly body: Buffer;
  /** The body of `application/octet-stream`, unread. */
  readonly upload: Readable | undefined;
  readonly requestId: string;
  /** What the fault rules say about this request. */
  readonly effect: FaultEffect;
};

/** A request that was let in. */
export type Call = Incoming & {
  readonly caller: Caller;
  /** Compute: the x of microversion 2.x. Elsewhere 0. */
  readonly minor: number;
};

export type Answer = {
  readonly status: number;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is; give a content type in `headers`. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

/** A refusal. Each service gives it the form that its clients know. */
export class ApiFailure extends Error {
  override readonly name = 'ApiFailure';
  readonly status: number;
  /** Neutron's error type, e.g. `PortNotFound`. */
  readonly type: string | undefined;

  constructor(status: number, message: string, type?: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

type RouteAddress = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  /** As fastify writes it: `/v2.1/servers/:id`. */
  readonly path: string;
};

/** A route that asks for a token. */
export type ClosedRoute = RouteAddress & {
  readonly open?: false;
  readonly handle: (call: Call) => Answer | Promise<Answer>;
};

/** A route that anybody may call. */
export type OpenRoute = RouteAddress & {
  readonly open: true;
  readonly handle: (incoming: Incoming) => Answer | Promise<Answer>;
};

export type Route = ClosedRoute | OpenRoute;

/** One of the four APIs, as data: the listener does the rest. */
export type Service = {
  readonly name: ServiceName;
  readonly routes: readonly Route[];
  /** @throws {ApiFailure} the request may not come in */
  readonly admit: (incoming: Incoming) => Call;
  /** The answer that tells of a refusal. */
  readonly refuse: (failure: ApiFailure, incoming: Incoming) => Answer;
  /** The answer to a path that no route has. */
  readonly unknownPath: (incoming: Incoming) => Answer;
  /** Headers of every answer to an admitted call. */
  readonly headersOf?: (call: Call) => Readonly<Record<string, string>>;
  /** Names of what the request is about, for fault rules that ask for a name. */
  readonly namesOf: (incoming: Incoming) => readonly string[];
};

/** @throws {ApiFailure} the body is not JSON; its message is `complaint` */
export function parseJsonBody(incoming: Incoming, complaint: string): unknown {
  try {
    return JSON.parse(incoming.body.toString('utf8'));
  } catch {
    throw new ApiFailure(400, complaint);
  }
}

/** The body if it is JSON, else undefined. */
export function peekJsonBody(incoming: Incoming): unknown {
  try {
    return incoming.body.length === 0 ? undefined : JSON.parse(incoming.body.toString('utf8'));
  } catch {
    return undefined; // whoever needs it will complain
  }
}
