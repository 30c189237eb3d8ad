/** What a build event says about a node (adapter: src/events). */
export type JobEvent = {
  /** `onCompleted` and unknown topics are dropped by the adapter. */
  readonly topic: 'onStarted' | 'onFinalized';
  readonly job: string;
  readonly nodename: string;
  /** Jenkins' result (`SUCCESS`, `FAILURE`, …) of `onFinalized`; undefined where it says none. */
  readonly result?: string;
  /** ZUUL_BRANCH of the build's parameters. */
  readonly branch?: string;
  /** True: its job said that it takes the node offline. Absent proves nothing: Jenkins strips unknown parameters. */
  readonly asksOffline?: true;
};
