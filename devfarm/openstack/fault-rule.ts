import { z } from 'zod';

const pattern = z.string().refine(isRegExp, 'must be a regular expression');

/** What a rule does to a request or to what the request is about. All parts are optional and may be combined. */
const Effect = z.object({
  /** Wait before the request is carried out. */
  delayMs: z.number().nonnegative().optional(),
  /** Wait after it was carried out, before the answer. */
  delayAnswerMs: z.number().nonnegative().optional(),
  /** Never answer: without or after carrying it out. */
  hang: z.enum(['before', 'after']).optional(),
  /** Cut the connection. `after` is the lost response: carried out, but the client cannot know. */
  cut: z.enum(['before', 'after']).optional(),
  /** Answer so instead of carrying it out. */
  status: z.int().min(200).max(599).optional(),
  /** Text of that answer, in the service's own form of an error. */
  message: z.string().optional(),
  /** Body of that answer, word for word: a string, or JSON. */
  body: z.unknown().optional(),
  headers: z.record(z.string(), z.string()).optional(),

  /** On a server's create: how long it stays in BUILD. */
  buildMs: z.number().nonnegative().optional(),
  /** On a server's create: accepted, then ERROR with this text. */
  buildFails: z.string().optional(),
  /** How: the host gives up, every host is tried and fails, none fits, or others have taken the room of the quota. */
  buildFailsBy: z.enum(['abort', 'reschedule', 'no-valid-host', 'quota']).optional(),
  /** On a server's delete: how long it takes. */
  deleteMs: z.number().nonnegative().optional(),
  /** On a server's delete: accepted, and nothing comes of it. */
  deleteNever: z.boolean().optional(),
  /** On a server's delete: accepted, then ERROR with this text. */
  deleteFails: z.string().optional(),
  /** On a server's delete: the ports that Nova made for it stay, as when Neutron did not answer it. */
  portsStay: z.boolean().optional(),
  /** On createImage: how long it takes. */
  snapshotMs: z.number().nonnegative().optional(),
  /** On createImage: accepted, then the image disappears. */
  snapshotFails: z.boolean().optional(),
  /** On the create of an import task: accepted, then it fails with this text. */
  importFails: z.string().optional(),
  /** On createImage or any call that names an image: the image is gone so much later, without a delete. */
  imageVanishesAfterMs: z.number().nonnegative().optional(),
  /** On a list of servers: those whose name fits are left out. */
  omitNames: pattern.optional(),
});

export const FaultRule = z.strictObject({
  /** Default: made from the rule, so that the same rule keeps its count when the file is read again. */
  id: z.string().optional(),
  match: z
    .strictObject({
      service: z.enum(['identity', 'compute', 'image', 'network']).optional(),
      method: z.string().optional(),
      /** Of the path without the query. */
      path: pattern.optional(),
      /** Of a name of what the request is about: the server's, the image's. */
      name: pattern.optional(),
      /** Of a server action: `createImage`, `reboot`. */
      action: z.string().optional(),
    })
    .default({}),
  /** Only the n-th request that matches, counted from 1. */
  nth: z.int().positive().optional(),
  /** At most so many times. */
  count: z.int().positive().optional(),
  /** 0 to 1, of those that match. */
  probability: z.number().min(0).max(1).optional(),
  effect: Effect.strict(),
});

export const FaultFile = z.array(FaultRule);

export type FaultRule = z.output<typeof FaultRule>;
export type FaultEffect = z.output<typeof Effect>;

function isRegExp(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false; // that is the answer
  }
}
