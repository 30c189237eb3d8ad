/** For calls whose cancellation a test is not about. */
export const neverAborted: AbortSignal = new AbortController().signal;
