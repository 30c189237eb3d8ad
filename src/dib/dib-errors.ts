/** A build or upload is lost: its row goes to `delete`, the reason is kept, and the next try waits a while. */
export class DibError extends Error {
  override readonly name = 'DibError';
}

/** The row was deleted while the work was under way. */
export class DibEndedError extends Error {
  override readonly name = 'DibEndedError';
}
