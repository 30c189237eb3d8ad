import { z } from 'zod';

const FaultRuleSchema = z.strictObject({
  /** Of the request, in upper case. */
  method: z.string().optional(),
  /** Regular expression for path and query, below the prefix. */
  path: z.string().optional(),
  /** How many requests it applies to. Default: all. */
  times: z.int().positive().optional(),
  /** Wait before the request is carried out. */
  delayMs: z.number().nonnegative().optional(),
  /** Wait up to so long, by chance. */
  delayUpToMs: z.number().nonnegative().optional(),
  /** Answer so instead of carrying it out. */
  status: z.int().min(200).max(599).optional(),
  body: z.string().optional(),
  contentType: z.string().optional(),
  /** Carry it out (`after`) or not (`before`), and never answer. */
  hang: z.enum(['before', 'after']).optional(),
  /** The same, and cut the connection: `after` is the lost answer. */
  cut: z.enum(['before', 'after']).optional(),
});

/** What `/_devfarm/faults` takes: it replaces all faults of before. */
export const FaultsSchema = z.strictObject({
  rules: z.array(FaultRuleSchema).default([]),
  /** Events to drop, by topic: how many, or all with `true`. */
  dropEvents: z.record(z.string(), z.union([z.int().nonnegative(), z.boolean()])).default({}),
});

export type FaultRule = z.output<typeof FaultRuleSchema>;
export type Faults = z.output<typeof FaultsSchema>;

/** The faults that are switched on. */
export class FaultBook {
  #rules: { readonly rule: FaultRule; left: number }[] = [];
  #dropEvents = new Map<string, number>();

  /** @throws {z.ZodError} that is no set of faults */
  replace(faults: unknown): void {
    const { rules, dropEvents } = FaultsSchema.parse(faults);
    this.#rules = rules.map((rule) => ({ rule, left: rule.times ?? Infinity }));
    this.#dropEvents = new Map(
      Object.entries(dropEvents).map(([topic, count]) => [
        topic,
        typeof count === 'number' ? count : count ? Infinity : 0,
      ]),
    );
  }

  /** What is left of the faults. */
  show(): Faults {
    return {
      rules: this.#rules.map(({ rule, left }) => (left === Infinity ? rule : { ...rule, times: left })),
      dropEvents: Object.fromEntries([...this.#dropEvents].map(([topic, n]) => [topic, n === Infinity ? true : n])),
    };
  }

  /** The first rule that fits this request; its count goes down. */
  take(method: string, path: string): FaultRule | undefined {
    const found = this.#rules.find(({ rule }) => fits(rule, method, path));
    if (found === undefined) return undefined;
    found.left -= 1;
    if (found.left <= 0) this.#rules = this.#rules.filter((one) => one !== found);
    return found.rule;
  }

  /** Whether the next event of that topic is lost. */
  dropsEvent(topic: string): boolean {
    const left = this.#dropEvents.get(topic) ?? 0;
    if (left <= 0) return false;
    this.#dropEvents.set(topic, left - 1);
    return true;
  }
}

function fits(rule: FaultRule, method: string, path: string): boolean {
  if (rule.method !== undefined && rule.method !== method) return false;
  return rule.path === undefined || new RegExp(rule.path).test(path);
}
