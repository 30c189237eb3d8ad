/** Who changed something and why: written to the history in the transaction of the change. */
export type Cause = {
  /** `zmq`, `allocator`, `launcher`, `deleter`, `reconcile`, `cleanup`, `check`, `cli:USER`. */
  readonly who: string;
  /** One sentence for the operator. */
  readonly why: string;
};
