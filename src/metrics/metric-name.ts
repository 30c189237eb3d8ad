const CONTROL = /\p{Cc}/gu;
/** What means something in a key, in a statsd line or in Graphite's paths. */
const SPECIAL = /[.:|@/\s]/gu;

/** How the name of a provider, label, job, … stands in a key. */
export type MetricName = (name: string) => string;

/**
 * Names as they are (upstream), but for control characters: a newline would begin another line. With
 * STATSD_CLEAN_NAMES=1, what statsd or Graphite would misread is replaced too, so that each name is one part of its key.
 */
export function metricNames(environment: Readonly<Record<string, string | undefined>>): MetricName {
  const isClean = environment['STATSD_CLEAN_NAMES'] === '1';
  return (name) => (isClean ? name.replaceAll(SPECIAL, '_') : name).replaceAll(CONTROL, '_');
}
