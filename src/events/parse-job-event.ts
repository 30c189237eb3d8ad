import type { JobEvent } from '../node/job-event.ts';
import { definedOnly } from '../runtime/defined-only.ts';
import { describeError } from '../runtime/errors.ts';

/** What a ZeroMQ message is to us. */
export type ParsedMessage =
  | { readonly kind: 'event'; readonly event: JobEvent }
  /** Well-formed and not for us: `onCompleted`, a build on the built-in node or on none. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'unknown-topic'; readonly topic: string }
  /** To be dropped and counted. */
  | { readonly kind: 'bad'; readonly reason: string };

const IGNORED: ParsedMessage = { kind: 'ignored' };
const BLANK = ' '.charCodeAt(0);
/** A topic longer than this is none: Jenkins' longest has 11 characters. */
const MAX_TOPIC_BYTES = 64;
/** Far above any event, below what parsing would cost us. */
export const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads one message of zmq-event-publisher, or of Zuul 2.5's launcher, which sends less: a topic, a blank, JSON, in one
 * frame. Never throws: one bad publisher must not stop the others.
 */
export function parseJobEvent(frames: readonly Uint8Array[]): ParsedMessage {
  const frame = frames[0];
  if (frame === undefined || frames.length > 1) return bad(`it has ${frames.length} frames`);
  if (frame.length > MAX_MESSAGE_BYTES) return bad(`it has ${frame.length} bytes`);
  const blank = frame.indexOf(BLANK);
  if (blank === -1 || blank > MAX_TOPIC_BYTES) return bad('it has no topic');
  try {
    const topic = utf8.decode(frame.subarray(0, blank));
    if (topic === 'onCompleted') return IGNORED; // the build may still be publishing: only onFinalized ends it
    if (topic !== 'onStarted' && topic !== 'onFinalized') return { kind: 'unknown-topic', topic };
    return readEvent(topic, JSON.parse(utf8.decode(frame.subarray(blank + 1))));
  } catch (error) {
    return bad(describeError(error));
  }
}

function readEvent(topic: JobEvent['topic'], json: unknown): ParsedMessage {
  if (!isObject(json) || typeof json['name'] !== 'string') return bad('it has no job name');
  const build = json['build'];
  if (!isObject(build)) return bad('it has no build');
  const nodename = build['node_name'] ?? '';
  if (typeof nodename !== 'string') return bad('its node name is no text');
  if (nodename === '') return IGNORED; // the built-in node, or a run without an executor
  return { kind: 'event', event: definedOnly({ topic, job: json['name'], nodename, ...detailsOf(topic, build) }) };
}

function detailsOf(
  topic: JobEvent['topic'],
  build: Readonly<Record<string, unknown>>,
): { readonly [fact in 'result' | 'branch' | 'asksOffline']: JobEvent[fact] | undefined } {
  const parameters = isObject(build['parameters']) ? build['parameters'] : {};
  return {
    result: topic === 'onFinalized' ? textOf(build['status']) : undefined,
    branch: textOf(parameters['ZUUL_BRANCH']),
    asksOffline: OFFLINE_PARAMETERS.some((name) => TRUE.has(parameters[name])) ? true : undefined,
  };
}

/** The gearman plugin's parameter, and how some manuals spell it. */
const OFFLINE_PARAMETERS = ['OFFLINE_NODE_WHEN_COMPLETE', 'NODE_OFFLINE_WHEN_COMPLETE'] as const;
/** What the plugin takes for true. */
const TRUE: ReadonlySet<unknown> = new Set(['1', 'true', 'True', 'TRUE']);

/** A non-empty text: the launcher sends `null` for a result, and parameters that are no texts. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(reason: string): ParsedMessage {
  return { kind: 'bad', reason };
}
