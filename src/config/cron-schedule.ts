/**
 * A schedule as croner reads it, translated from APScheduler's fields (0 = Monday, sixth field = second).
 * `source` is the text of nodepool.yaml.
 */
export type CronSchedule = {
  readonly source: string;
  /** Six fields, second first, as croner takes them. */
  readonly pattern: string;
};
