/** Rows whose ids are known outside. */
export type IdSubject = 'node' | 'image' | 'dib-image';

/** Where the ids of new rows come from (adapter: src/db). */
export interface IdStore {
  /**
   * Makes sure that all later ids are greater than `id` and, where that is news, `margin` more. Ids only rise.
   * Gives the greatest id that no row will get; undefined: they were greater already.
   * @throws {RangeError} `id` is so far off that it cannot be of this database
   */
  raiseAbove(subject: IdSubject, id: number, margin: number): Promise<number | undefined>;
}
