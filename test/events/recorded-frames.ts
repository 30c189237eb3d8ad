import { readFileSync } from 'node:fs';

/** All recorded messages of Jenkins' zmq-event-publisher, one a line, in order. */
export function recordedFrames(): readonly string[] {
  const text = readFileSync(new URL('../fixtures/zmq/frames.txt', import.meta.url), 'utf8');
  return text.trimEnd().split('\n');
}

/** The recorded message of a topic, job and build number. */
export function recordedFrame(topic: string, job: string, number: number): string {
  const found = recordedFrames().find(
    (frame) => frame.startsWith(`${topic} `) && frame.includes(`"url":"job/${job}/${number}/"`),
  );
  if (found === undefined) throw new Error(`There is no ${topic} of ${job} #${number}`);
  return found;
}
