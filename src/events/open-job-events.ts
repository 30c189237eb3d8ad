/** Events: build events of Jenkins over ZeroMQ. They are lossy by design: each is a hint that something may be done now. */
import { type JobEvents, type JobEventsDeps, ZmqJobEvents } from './zmq-job-events.ts';

/**
 * Listens to the publishers (`tcp://HOST:PORT`) until closed or aborted. Returns at once: publishers may be away for
 * as long as they like.
 */
export function openJobEvents(publishers: readonly string[], deps: JobEventsDeps, signal: AbortSignal): JobEvents {
  const events = new ZmqJobEvents({ ...deps, log: deps.log.child('NodeUpdateListener') }, signal);
  events.setPublishers(publishers);
  return events;
}
