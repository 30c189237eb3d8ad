/**
 * Keys of nodepool.yaml that are read and checked but that nothing acts on yet, as in the titles of the reference; each with
 * the words of the source that would act on it. A test looks for these words, and compares the list with the operators' page.
 */
export const KEYS_NOT_USED_YET: ReadonlyMap<string, string> = new Map([
  ['webapp', 'config.webapp'],
  ['labels[].subnodes', 'subnodeHostname'],
  ['labels[].max-ready-age', 'maxReadyAgeMs'],
  ['targets[].subnode-hostname', 'subnodeHostname'],
  ['targets[].assign-via-gearman', 'assignViaGearman'],
]);
